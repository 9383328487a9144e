#!/bin/sh
# The example programs under valgrind: no error, no leak. Prints a line a test.
#
#	valgrind.sh BUILD	in cbindings
set -u
build=$1
work=$(mktemp -d)
trap 'kill $pids 2>/dev/null; rm -rf "$work"' EXIT
export RINGCAST_SHM_DIR="$work/shm"
failed=0 pids=
under() { valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=definite,possible "$@"; }
say() { # name, result, log
	if [ "$2" = 0 ]; then
		echo "ok c/valgrind/$1"
	else
		failed=1
		echo "not ok c/valgrind/$1: exit code $2: $(tail -n 8 "$3" | tr '\n' ' ')"
	fi
}
# waits until the log says what only a program that is so far says
until_says() {
	tries=0
	until grep -q "$2" "$1" || [ $tries -gt 600 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
}
command -v valgrind >/dev/null || { echo "not ok c/valgrind/has-valgrind: install valgrind"; exit 1; }
under "$build/ringcast-sub" greetings 20 >"$work/sub.out" 2>"$work/sub.log" &
sub=$! pids=$!
until_says "$work/sub.log" subscribed
seq 20 | under "$build/ringcast-pub" greetings >"$work/pub.log" 2>&1
say pub $? "$work/pub.log"
wait $sub
say sub $? "$work/sub.log"
[ "$(cat "$work/sub.out")" = "$(seq 20)" ]
say sub-printed-all $? "$work/sub.out"
under "$build/ringcast-worker" jobs >"$work/worker.log" 2>&1 &
worker=$! pids="$pids $!"
until_says "$work/worker.log" ready
{ seq 20; echo end; } | "$build/ringcast-pub" jobs
wait $worker
say worker $? "$work/worker.log"
mkfifo "$work/served"
under "$build/ringcast-serve" capitals <"$work/served" >"$work/serve.log" 2>&1 &
serve=$! pids="$pids $!"
exec 3>"$work/served" # it ends with its standard input
until_says "$work/serve.log" serving
printf 'a\n\nb\n' | under "$build/ringcast-request" capitals >"$work/request.out" 2>"$work/request.log"
say request $? "$work/request.log"
exec 3>&-
wait $serve
say serve $? "$work/serve.log"
[ "$(cat "$work/request.out")" = "$(printf 'A\nrefused (1): nothing to write in capitals\nB')" ]
say request-printed-all $? "$work/request.out"
exit $failed
