#!/bin/sh
# Builds the tools with which peers measure themselves into bin/peers/own, from the sources that package
# registries carry. What can't be had is said. Run it from the top of the checkout, behind make peers-node.
set -u
to=bin/peers/own
mkdir -p $to

aeron() {
	root=$PWD/.tools/aeron
	sources=$(ls -d "$root"/vendor/*/aeron 2>/dev/null | head -n 1)
	samples=$sources/aeron-samples/src/main/c
	[ -f "$root/build/lib/libaeron_static.a" ] || return 1
	bsd= # where CMake found it, the archive uses it
	grep -q 'LIBBSD_EXISTS:FILEPATH=/' "$root/build/CMakeCache.txt" && bsd=-lbsd
	for one in rate_subscriber streaming_exclusive_publisher; do
		cc -std=gnu11 -O2 -w -o "$to/$one" "$samples/$one.c" "$samples/sample_util.c" -I"$samples" -I"$sources/aeron-client/src/main/c" \
			-DAERON_VERSION_TXT='""' -DAERON_VERSION_GITSHA='""' -DAERON_VERSION_MAJOR=0 -DAERON_VERSION_MINOR=0 -DAERON_VERSION_PATCH=0 \
			"$root/build/lib/libaeron_static.a" $bsd -lpthread -ldl -lm -lrt || return 1
	done
}

zeromq() {
	root=.tools/peers/own
	mkdir -p $root && : >$root/lib.rs
	printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n[dependencies]\nzeromq-src = "=0.3.6"\n[workspace]\n' >$root/Cargo.toml
	[ -d $root/vendor/zeromq-src ] || (cd $root && CARGO_HOME=$PWD/../../cargo cargo vendor -q vendor >/dev/null) || return 1
	for one in local_thr remote_thr; do
		c++ -O2 -w -o "$to/$one" "$root/vendor/zeromq-src/vendor/perf/$one.cpp" -lzmq || return 1
	done
}

nats() (cd bench/peers/nats && go build -o "../../../$to/nats-bench" github.com/nats-io/nats.go/examples/nats-bench)

for one in aeron zeromq nats; do
	$one || echo "own tool of $one: could not be built here"
done
command -v ddsperf >/dev/null || echo 'own tool of cyclonedds: apt-get install -y --no-install-recommends cyclonedds-tools'
echo 'own tools of iceoryx2 (benchmarks) and zenoh (z_pub_thr, z_sub_thr): in no registry, only in their repositories'
