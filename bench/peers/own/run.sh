#!/bin/sh
# Prints how many messages of SIZE bytes a second a peer's own tool measures from one process to
# another: run.sh NAME SIZE. Run it from the top of the checkout.
set -eu
own=bin/peers/own
size=$2
dir=$(mktemp -d /dev/shm/ringcast-own-XXXXXX)
daemon=
finish() {
	[ -z "$daemon" ] || kill $daemon 2>/dev/null || :
	wait
	rm -rf "$dir"
}
trap finish EXIT

case $1 in
aeron) # as in aeron/c/node.c; its publisher offers, and does not claim
	export AERON_DIR="$dir/aeron" AERON_THREADING_MODE=SHARED AERON_TERM_BUFFER_SPARSE_FILE=0 AERON_IPC_MTU_LENGTH=8192 AERON_PERFORM_STORAGE_CHECKS=0
	bin/peers/aeronmd >/dev/null 2>&1 &
	daemon=$!
	sleep 0.5
	timeout -s INT 4 $own/rate_subscriber -p "$AERON_DIR" -c aeron:ipc >"$dir/out" 2>&1 &
	reader=$!
	sleep 0.4
	timeout -s INT 3 $own/streaming_exclusive_publisher -p "$AERON_DIR" -c aeron:ipc -L "$size" -m 2000000000 >/dev/null 2>&1 || :
	wait $reader || :
	sed -n 's/^[0-9]*ms, \([0-9.e+]*\) msgs.*/\1/p' "$dir/out" | sort -g | tail -n 1
	;;
zeromq)
	$own/local_thr "ipc://$dir/socket" "$size" 1000000 >"$dir/out" &
	reader=$!
	sleep 0.2
	$own/remote_thr "ipc://$dir/socket" "$size" 1000000
	wait $reader
	sed -n 's/^mean throughput: \([0-9]*\) .msg.*/\1/p' "$dir/out"
	;;
nats)
	bin/peers/nats-node serve 127.0.0.1:14222 &
	daemon=$!
	sleep 0.5
	$own/nats-bench -s nats://127.0.0.1:14222 -np 1 -ns 1 -n 400000 -ms "$size" x >"$dir/out" 2>&1
	sed -n 's/^ *Sub stats: \([0-9,]*\) msgs.*/\1/p' "$dir/out" | tr -d ,
	;;
cyclonedds) # batches by ddsperf's own word; the domain and its settings are ours
	export CYCLONEDDS_URI='<General><Interfaces><NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize></General><Discovery><ParticipantIndex>auto</ParticipantIndex><Peers><Peer address="127.0.0.1"/></Peers></Discovery><Internal><WriteBatch>true</WriteBatch><Watermarks><WhcHigh>8MB</WhcHigh></Watermarks></Internal><Tracing><OutputFile>stderr</OutputFile></Tracing>'
	ddsperf -i 9 -k all -1 -D 4 sub >"$dir/out" 2>/dev/null &
	reader=$!
	ddsperf -i 9 -k all -D 4 pub size "$size" >/dev/null 2>&1
	wait $reader
	sed -n 's/.* rate \([0-9.]*\) kS\/s.*/\1/p' "$dir/out" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] * 1000 }'
	;;
*)
	echo "no own tool of $1" >&2
	exit 1
	;;
esac
