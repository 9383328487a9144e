#!/bin/sh
# Builds one peer of the network cells into bin/peers: raw, aeron, norm, zeromq, nats, cyclonedds or zenoh. What is
# not here is said, with the line that installs it, and the table leaves the peer out. Run
# it from the top of the checkout.
set -u
here=bench/peers
to=bin/peers
c='cc -std=gnu11 -O2 -Wall -Wextra -Werror'
mkdir -p $to

# headers FILE PACKAGE: is a library there? Otherwise how to get it, on Debian and its kin.
headers() {
	[ -e "/usr/include/$1" ] && return
	echo "apt-get install -y --no-install-recommends $2"
	return 1
}

aeron() {
	root=$PWD/.tools/aeron
	sh $here/aeron/build.sh || return 1
	sources=$(ls -d "$root"/vendor/*/aeron 2>/dev/null | head -n 1)
	[ -f "$root/build/lib/libaeron_static.a" ] || return 1
	bsd= # where CMake found it, the archive uses it
	grep -q 'LIBBSD_EXISTS:FILEPATH=/' "$root/build/CMakeCache.txt" && bsd=-lbsd
	$c -o $to/aeron $here/aeron/c/net.c -I"$sources/aeron-client/src/main/c" "$root/build/lib/libaeron_static.a" \
		$bsd -lpthread -ldl -lm -lrt
}

# The types of CycloneDDS are made by its compiler of IDL.
cyclonedds() {
	types=.tools/peers/cyclonedds
	headers dds/dds.h 'cyclonedds-dev cyclonedds-tools' && mkdir -p $types && idlc -l c -o $types $here/cyclonedds/message.idl &&
		$c -o $to/cyclonedds $here/cyclonedds/net.c $types/message.c -I$types -lddsc
}

zenoh() {
	command -v cargo >/dev/null || { echo 'missing here: cargo'; return 1; }
	CARGO_HOME=$PWD/.tools/cargo CARGO_TARGET_DIR=$PWD/.tools/peers/rust cargo build --quiet --release \
		--manifest-path $here/zenoh/Cargo.toml && $c -o $to/zenoh $here/zenoh/net.c .tools/peers/rust/release/libpeer_zenoh.a -lpthread -ldl -lm -lrt
}

build() {
	case $1 in
	cyclonedds | zenoh) "$1" ;;
	raw) $c -o $to/raw $here/raw/raw.c && $c -o $to/asked $here/raw/asked.c ;;
	aeron) aeron ;;
	norm) headers normApi.h libnorm-dev && c++ -std=c++20 -O2 -Wall -Wextra -Werror -Wno-missing-field-initializers \
		-o $to/norm $here/norm/norm.cc -lnorm -lpthread ;;
	zeromq) headers zmq.h libzmq3-dev && $c -o $to/zeromq $here/zeromq/zeromq.c -lzmq &&
		$c -o $to/zeromq-asked $here/zeromq/asked.c -lzmq ;;
	nats) (cd $here/nats && go build -o ../../../$to/nats .) ;;
	*) echo "no peer $1: want raw, aeron, norm, zeromq, nats, cyclonedds or zenoh" && return 1 ;;
	esac
}

if build "$1"; then echo "$1: built"; else
	rm -f "$to/$1"
	echo "$1: could not be built here"
fi
