#!/usr/bin/env bash
# Searches every model of models.txt whole, and every mutant of mutants/ until it
# breaks the invariant that it names. Prints a line each; the last line is the sum.
# Fails if a model has an error or was not searched to its end, or if a mutant is
# not caught by exactly its invariant. A name (or several) as argument runs only
# those. MODELS=large searches those of large.txt, too, which takes far longer.
# Needs spin, patch and a C compiler; JOBS (as many as there are cores) searches run
# at once, each within MEGABYTES (3000; large: 12000, where states are stored collapsed).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

for program in spin patch cc; do
	command -v "$program" >/dev/null && continue
	echo "not ok programs: $program is missing; as root run: apt-get install -y --no-install-recommends spin patch gcc"
	echo
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
done

lists=(models.txt)
[ "${MODELS:-}" = large ] && lists+=(large.txt) MEGABYTES=${MEGABYTES:-12000} collapse=-DCOLLAPSE

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# search FOLDER MODEL FLAGS...: builds and runs one search; its output is FOLDER/out.
search() {
	local dir=$1 model=$2
	shift 2
	(
		cd "$dir" || exit 1
		spin -a "$@" "$model" >spin.out 2>&1 && [ -f pan.c ] &&
			cc "${optimize:--O1}" -w -DSAFETY -DMEMLIM="${MEGABYTES:-3000}" ${collapse:-} -o pan pan.c 2>>spin.out &&
			nice -n 10 ./pan -E -m100000 ${table:-} >out 2>&1
	)
}

# figures FOLDER: states, depth and seconds.
figures() {
	[ -f "$1/out" ] || return
	awk '/states, stored/ { states = $1 } /depth reached/ { sub(/.*depth reached /, ""); depth = $1 + 0 }
		/elapsed time/ { seconds = $4 } END { printf "%d states, depth %d, %.1f s", states, depth, seconds }' "$1/out"
}

# say KIND NAME RESULT REST: one line, ok where RESULT is empty.
say() {
	if [ -z "$3" ]; then
		printf 'ok %-6s %-28s %s\n' "$1" "$2:" "$4"
	else
		printf 'not ok %s %s: %s; %s\n' "$1" "$2" "$3" "$4"
	fi
}

# broken FOLDER: the invariant that the first error names, if there is one.
broken() { sed -n 's/^pan.*assertion violated .*||\([a-z_]*\)).*/\1/p' "$1/out" | head -1; }

one_model() {
	local name=$1 model=$2 dir=$work/$1 wrong= optimize=-O1
	shift 2
	mkdir -p "$dir" && cp "$model" invariants.h "$dir"
	case $model in order.pml | behind.pml | join.pml) optimize=-O0 ;; esac # sooner searched than compiled well
	if ! search "$dir" "$model" "$@"; then
		wrong="did not build or run: $(tail -1 "$dir/spin.out")"
	elif ! grep -q 'errors: 0$' "$dir/out"; then
		wrong="broke $(broken "$dir") ($(grep -m1 '^pan:' "$dir/out"))"
	elif grep -qE 'max search depth|out of memory|interrupted|Search not completed' "$dir/out"; then
		wrong="not searched to its end"
	fi
	say model "$name" "$wrong" "$(figures "$dir")"
	rm -rf "$dir"
}

one_mutant() {
	local name=$1 diff=mutants/$1.diff dir=$work/$1 model flags breaks found wrong=
	model=$(sed -n 's/^model: //p' "$diff") flags=$(sed -n 's/^flags: //p' "$diff") breaks=$(sed -n 's/^breaks: //p' "$diff")
	mkdir -p "$dir" && cp "$model" invariants.h "$dir"
	if ! patch -s -d "$dir" "$model" <"$diff" >"$dir/patch.out" 2>&1; then
		wrong="does not fit $model"
	# shellcheck disable=SC2086 # the flags are words
	elif optimize=-O0 table=-w20 search "$dir" "$model" $flags; found=$(broken "$dir" 2>/dev/null); [ "$found" != "$breaks" ]; then
		wrong="want $breaks, found ${found:-nothing}"
	fi
	say mutant "$name" "$wrong" "breaks $breaks; $(figures "$dir")"
	rm -rf "$dir"
}

export work MEGABYTES collapse
export -f search figures say broken one_model one_mutant

wanted() { [ $# = 1 ] || [[ " ${*:2} " == *" $1 "* ]]; }

# jobs NAME...: what is asked for, one call a line.
jobs() {
	local name rest
	cat "${lists[@]}" | grep -v '^#' | while read -r name rest; do
		wanted "$name" "$@" && echo "one_model $name $rest"
	done
	for diff in mutants/*.diff; do
		name=$(basename "$diff" .diff)
		wanted "$name" "$@" && echo "one_mutant $name"
	done
}

jobs "$@" >"$work/jobs"
xargs -r -P "${JOBS:-$(nproc)}" -d '\n' -n 1 bash -c <"$work/jobs" | tee "$work/table"

# Of what was asked for, whatever printed no line has failed, too.
asked=$(wc -l <"$work/jobs")
passed=$(grep -c '^ok ' "$work/table")
awk '/^(not )?ok model/ { models++ } /^ok mutant/ { caught++ } /^(not )?ok mutant/ { mutants++ } /^not ok model.*broke/ { broke++ }
	match($0, /[0-9]+ states/) && / model / { states += substr($0, RSTART, RLENGTH) + 0 }
	END { printf "\n%d models, %d states, %d violations; %d mutants, %d caught by their invariants\n", models, states, broke, mutants, caught }' "$work/table"
echo "$passed passed, $((asked - passed)) failed, 0 skipped"
[ "$asked" -gt 0 ] && [ "$passed" = "$asked" ]
