#!/bin/sh
# Builds one peer of one node into bin/peers, as NAME-node: aeron, iceoryx2, zeromq, nats, zenoh, cyclonedds,
# unix or grpc. What it needs comes from package registries, into .tools and the caches of cargo and go;
# what is not here is said, with the line that installs it, and the table leaves the peer out.
# Nothing is done where nothing has changed. Run it from the top of the checkout.
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
	cp "$root/build/binaries/aeronmd" $to/ &&
		$c -o $to/aeron-node $here/aeron/c/node.c -I"$sources/aeron-client/src/main/c" "$root/build/lib/libaeron_static.a" \
			$bsd -lpthread -ldl -lm -lrt
}

# crate NAME: a peer in Rust behind the loops of node.h.
crate() {
	command -v cargo >/dev/null || { echo 'missing here: cargo'; return 1; }
	CARGO_HOME=$PWD/.tools/cargo CARGO_TARGET_DIR=$PWD/.tools/peers/rust cargo build --quiet --release \
		--manifest-path "$here/$1/Cargo.toml" && $c -o "$to/$1-node" "$here/$1/node.c" ".tools/peers/rust/release/libpeer_$1.a" -lpthread -ldl -lm -lrt
}

# The types of CycloneDDS are made by its compiler of IDL.
cyclonedds() {
	types=.tools/peers/cyclonedds
	headers dds/dds.h 'cyclonedds-dev cyclonedds-tools' && mkdir -p $types && idlc -l c -o $types $here/cyclonedds/message.idl &&
		$c -o $to/cyclonedds-node $here/cyclonedds/node.c $types/message.c -I$types -lddsc
}

build() {
	[ -d "$here/$1" ] || { echo "there is no program of $1 in $here yet"; return 1; }
	case $1 in
	aeron) aeron ;;
	iceoryx2 | zenoh) crate "$1" ;;
	zeromq) headers zmq.h libzmq3-dev && $c -o $to/zeromq-node $here/zeromq/node.c -lzmq ;;
	cyclonedds) cyclonedds ;;
	unix) $c -o $to/unix-node $here/unix/unix.c ;;
	nats | grpc) (cd "$here/$1" && go build -o "../../../$to/$1-node" "./node") ;;
	*) echo "no peer $1: want aeron, iceoryx2, zeromq, nats, zenoh, cyclonedds, unix or grpc" && return 1 ;;
	esac
}

shared="$here/node bench/limits/work.h" # what the programs of its language have in common
case $1 in nats | grpc) shared='bench/node bench/pace.go bench/payload.go' ;; esac
# shellcheck disable=SC2086 # several names
if [ -x "$to/$1-node" ] && [ -z "$(find "$here/$1" $here/node/build.sh $shared -type f -newer "$to/$1-node" 2>/dev/null)" ]; then
	exit 0
fi
if build "$1"; then echo "$1: built"; else
	rm -f "$to/$1-node"
	echo "$1: could not be built here"
fi
