#!/usr/bin/env bash
# Searches every model of models.txt whole, then every mutant of mutants/ until it
# breaks the invariant that it names. Prints two tables; the last line is the sum.
# Fails if a model has an error or was not searched to its end, or if a mutant is
# not caught by exactly its invariant. A name (or several) as argument runs only
# those. Needs spin and a C compiler; JOBS (2) searches run at once, each within
# MEGABYTES (3000).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

if ! command -v spin >/dev/null; then
	install='apt-get install -y --no-install-recommends spin'
	if [ "$(id -u)" != 0 ]; then
		echo "spin is missing; as root run: $install"
		exit 1
	fi
	DEBIAN_FRONTEND=noninteractive $install >/dev/null ||
		{ apt-get update >/dev/null && DEBIAN_FRONTEND=noninteractive $install >/dev/null; } || exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# search FOLDER MODEL FLAGS...: builds and runs one search; its output is FOLDER/out.
search() {
	local dir=$1 model=$2
	shift 2
	(
		cd "$dir" || exit 1
		spin -a "$@" "$model" >spin.out 2>&1 && [ -f pan.c ] &&
			cc "${optimize:--O2}" -w -DSAFETY -DMEMLIM="${MEGABYTES:-3000}" -o pan pan.c 2>>spin.out &&
			nice -n 10 ./pan -E -m100000 >out 2>&1
	)
}

# figures FOLDER: states, depth and seconds.
figures() {
	awk '/states, stored/ { states = $1 } /depth reached/ { sub(/.*depth reached /, ""); depth = $1 + 0 }
		/elapsed time/ { seconds = $4 } END { printf "%10d %6d %8.1f", states, depth, seconds }' "$1/out"
}

# broken FOLDER: the invariant that the first error names, if there is one.
broken() { sed -n 's/^pan.*assertion violated .*||\([a-z_]*\)).*/\1/p' "$1/out" | head -1; }

one_model() {
	local name=$1 model=$2 dir=$work/$1 result=ok
	shift 2
	mkdir -p "$dir" && cp "$model" invariants.h "$dir"
	if ! search "$dir" "$model" "$@"; then
		result="FAILED: did not build or run: $(tail -1 "$dir/spin.out")"
	elif ! grep -q 'errors: 0$' "$dir/out"; then
		result="FAILED: $(broken "$dir") $(grep -m1 '^pan:' "$dir/out")"
	elif grep -qE 'max search depth|out of memory|interrupted|Search not completed' "$dir/out"; then
		result="FAILED: not searched to its end"
	fi
	printf '%-28s %s  %s\n' "$name" "$(figures "$dir" 2>/dev/null)" "$result"
	rm -rf "$dir"
}

one_mutant() {
	local name=$1 diff=mutants/$1.diff dir=$work/$1 model flags breaks found result
	model=$(sed -n 's/^model: //p' "$diff") flags=$(sed -n 's/^flags: //p' "$diff") breaks=$(sed -n 's/^breaks: //p' "$diff")
	mkdir -p "$dir" && cp "$model" invariants.h "$dir"
	if ! patch -s -d "$dir" "$model" <"$diff" >"$dir/patch.out" 2>&1; then
		result="FAILED: does not fit $model"
	# shellcheck disable=SC2086 # the flags are words
	elif optimize=-O0 search "$dir" "$model" $flags; found=$(broken "$dir" 2>/dev/null); [ "$found" = "$breaks" ]; then
		result="ok: $found"
	else
		result="FAILED: want $breaks, found ${found:-nothing}"
	fi
	printf '%-28s %s  %s\n' "$name" "$(figures "$dir" 2>/dev/null)" "$result"
	rm -rf "$dir"
}

export work MEGABYTES
export -f search figures broken one_model one_mutant

wanted() { [ $# = 1 ] || [[ " ${*:2} " == *" $1 "* ]]; }

{
	printf '%-28s %10s %6s %8s  %s\n' model states depth seconds result
	while read -r name rest; do
		wanted "$name" "$@" && echo "one_model $name $rest"
	done < <(grep -v '^#' models.txt) | xargs -r -P "${JOBS:-2}" -d '\n' -n 1 bash -c
	printf '\n%-28s %10s %6s %8s  %s\n' mutant states depth seconds 'caught by'
	for diff in mutants/*.diff; do
		name=$(basename "$diff" .diff)
		wanted "$name" "$@" && echo "one_mutant $name"
	done | xargs -r -P "${JOBS:-2}" -d '\n' -n 1 bash -c
} | tee "$work/table"

# Of what was asked for, whatever printed no line has failed, too.
asked=$({ grep -v '^#' models.txt | cut -d' ' -f1; basename -s .diff mutants/*.diff; } | while read -r name; do
	wanted "$name" "$@" && echo "$name"
done | wc -l)
passed=$(grep -cE '  ok(: [a-z_]+)?$' "$work/table")
echo
echo "$passed passed, $((asked - passed)) failed, 0 skipped"
[ "$asked" -gt 0 ] && [ "$passed" = "$asked" ]
