#!/bin/sh
# freeze.sh COMMIT: packs the sources of cmd/ringcast and cmd/ringcastd as they were at a commit.
# freeze.sh: compares what is packed with the history of this clone.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# files DIR: what the two programs are built of, below DIR.
files() (
	cd "$1"
	go list -deps -f '{{if .Module}}{{if .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .SFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}' \
		./cmd/ringcast ./cmd/ringcastd | sed "s,^$(pwd -P)/,," | sed '/^$/d'
	echo go.mod
	echo go.sum
)

if [ $# -gt 0 ]; then
	commit=$(git rev-parse --short=7 "$1")
	git archive --format=tar "$commit" | tar xf - -C "$work"
	files "$work" >"$work.list"
	# shellcheck disable=SC2046
	git archive --format=tar "$commit" $(cat "$work.list") | bzip2 -9 >internal/frozen/testdata/"$commit".tar.bz2
	rm "$work.list"
	ls -l internal/frozen/testdata/"$commit".tar.bz2
	exit
fi
for archive in internal/frozen/testdata/*.tar.bz2; do
	commit=$(basename "$archive" .tar.bz2)
	git cat-file -e "$commit^{commit}" || { echo "$commit is not in the history of this clone: git fetch --unshallow"; exit 1; }
	mkdir "$work/$commit" "$work/$commit.git"
	tar xjf "$archive" -C "$work/$commit"
	git archive --format=tar "$commit" $(tar tjf "$archive" | grep -v '/$') | tar xf - -C "$work/$commit.git"
	diff -r "$work/$commit" "$work/$commit.git"
	echo "$archive is what $commit has"
done
