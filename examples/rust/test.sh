#!/bin/sh
# Runs the tests of the crate and prints them in the form that internal/testsum counts.
# "$@" is cargo with its options: see the Makefile.
text=$(mktemp) || exit 1
trap 'rm -f "$text"' EXIT
"$@" >"$text" 2>&1
code=$?
sed -n -e 's/^test \(.*\) \.\.\. ok$/ok rust \1/p' -e 's/^test \(.*\) \.\.\. FAILED$/not ok rust \1: failed, see below/p' "$text"
if [ $code != 0 ]; then
	cat "$text"
	exit $code
fi
grep '^test result: ok' "$text" | awk '{ p += $4; f += $6; s += $8 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit s != 0 }'
