#!/bin/sh
# Runs programs of the limits in turn and says how their figures lie.
#
#   turns.sh ROUNDS <<END
#   as it is: steps --size 1024
#   flushed:  steps --size 1024 --with flush=1
#   END
#
# A command is a program of bin/limits, or of anywhere if it has a slash in it, that prints a figure as work.h has it; --duration-ns is 50 ms,
# --warmup-ns 10 ms and --pin 0,1 where it says nothing else. Before and after each run the bare line is measured: below 250 ns the machine is near.
# A run between whose ends the regime changed counts for nothing. Printed for each command and regime: how many runs, then lower quartile, median
# and upper quartile, of millions a second or, where there are latencies, of p50 in ns.
set -eu
rounds=$1
bin=${LIMITS:-bin/limits}
list=$(cat)

line() { "$bin/line" --pin 0,1 --warmup-ns 1000000 --duration-ns 4000000 | sed 's/.*"p50":\([0-9]*\).*/\1/'; }

run() {
  program=$1; shift
  case $program in */*) ;; *) program=$bin/$program ;; esac
  "$program" --pin 0,1 --warmup-ns 10000000 --duration-ns 50000000 "$@"
}

before=$(line)
i=0
while [ "$i" -lt "$rounds" ]; do
  i=$((i + 1))
  echo "$list" | while IFS= read -r one; do
    figure=$(run ${one#*:}) || figure='{}'
    after=$(line)
    echo "$before $after $figure ${one%%:*}"
    before=$after
  done
  before=$(line)
done | tee "${RAW:-/dev/null}" | awk '
  function regime(ns) { return ns < 250 ? "near" : "far" }
  function quartile(list, n, q,  i) { i = int(q * (n - 1) + 0.5) + 1; return list[i] }
  regime($1) == regime($2) && match($3, /"rate":[0-9.]+/) {
    value = substr($3, RSTART + 7, RLENGTH - 7) / 1e6
    if (match($3, /"p50":[0-9]+/)) value = substr($3, RSTART + 6, RLENGTH - 6) + 0
    name = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", name)
    if (!(name in seen)) seen[name] = ++names
    title[seen[name]] = name
    of = seen[name] SUBSEP regime($1)
    values[of, ++count[of]] = value
    lines[of] += $1
  }
  END {
    for (k = 1; k <= names; k++) for (r = 1; r <= 2; r++) {
      of = k SUBSEP (r == 1 ? "near" : "far"); n = count[of]
      if (n == 0) continue
      for (i = 1; i <= n; i++) sorted[i] = values[of, i]
      for (i = 2; i <= n; i++) for (j = i; j > 1 && sorted[j - 1] > sorted[j]; j--) { t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t }
      printf "%-44s %-4s line %3d  n %2d  %8.4g %8.4g %8.4g\n", title[k], r == 1 ? "near" : "far", lines[of] / n, n, quartile(sorted, n, .25), quartile(sorted, n, .5), quartile(sorted, n, .75)
    }
  }'
