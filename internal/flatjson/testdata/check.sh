# Usage: check.sh FLATC FOLDER [write]
# The files that are flatc's are what flatc makes, and in what this package built (all.ours.bin)
# flatc reads what it reads in its own. With "write" they are written instead.
set -e
flatc=$(realpath "$1")
mkdir -p "$2/flatjson"
out=$(realpath "$2/flatjson")
cd "$(dirname "$0")"
compare=cmp
[ "$3" != write ] || compare=cp
"$flatc" -o "$out" -b --schema --bfbs-builtins all.fbs
"$flatc" -o "$out" -b --schema rootless.fbs
"$flatc" -o "$out" -b all.fbs all.json
for file in all.bfbs all.bin rootless.bfbs; do $compare "$out/$file" $file; done
(cd ../../../examples/schema && "$flatc" -o "$out" -b --schema --bfbs-builtins order.fbs)
$compare "$out/order.bfbs" ../../gateway/testdata/order.bfbs
for file in all.bin all.ours.bin; do
	"$flatc" -o "$out" --json --strict-json --defaults-json --raw-binary all.fbs -- $file
	$compare "$out/${file%.bin}.json" all.shown.json
done
