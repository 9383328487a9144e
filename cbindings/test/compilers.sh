#!/bin/sh
# Every file of the library and of its users, by gcc and clang, with all warnings as errors; the public header
# in each standard, with the short ways and without. Prints a line a test. Runs in cbindings.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
check() {
	name=$1
	shift
	if "$@" >"$log" 2>&1; then
		echo "ok c/compiles/$name"
	else
		failed=1
		echo "not ok c/compiles/$name: $(head -n 3 "$log" | tr '\n' ' ')"
	fi
}
warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -pthread -Iinclude"
all() { # compiler, optimisation
	for f in src/*.c; do "$1" -std=c11 "$2" $warnings -fvisibility=hidden "$f" || return 1; done
	for f in ../examples/c/*.c conformance/c/*.c test/install/*.c; do "$1" -std=c11 "$2" $warnings "$f" || return 1; done
}
header() { # compiler, language, standard, more
	printf '#include "ringcast.h"\nint f(rc_publisher *p, rc_subscription *s, rc_claim *c, rc_received *r, rc_marks *marks)\n{\n%s\n}\n' \
		'	return rc_publisher_publish(p, "", 0, 0) + rc_publisher_claim(p, 1, 0, c) + rc_claim_commit(c, c->data, 1, marks) + rc_subscription_poll(s, r) + rc_subscription_wait(s, 0, r);' |
		"$1" -x "$2" -std="$3" $4 -O2 $warnings -Wconversion -Wsign-conversion -Wno-missing-declarations -
}
for c in gcc clang; do
	check "$c-O0" all $c -O0
	check "$c-O3" all $c -O3
	for standard in c11 c17 c2x; do
		check "header-$c-$standard" header $c c $standard -DINLINE
		check "header-$c-$standard-calls" header $c c $standard -DRC_NO_INLINE
	done
done
for c in g++ clang++; do
	for standard in c++17 c++20; do
		check "header-$c-$standard" header $c c++ $standard '-Wold-style-cast -Wzero-as-null-pointer-constant'
		check "header-$c-$standard-calls" header $c c++ $standard -DRC_NO_INLINE
	done
done
exit $failed
