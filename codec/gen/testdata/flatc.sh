#!/bin/sh
# Stands in for flatc in the tests of the generator: a binary schema made
# before, and one file a language.
out=$2
case " $* " in
*" -b "*) cp "$FAKE_BFBS" "$out/sample.bfbs" ;;
*" --go "*) mkdir -p "$out/ringcast/fb" && printf 'package fb\nvar  A=1\n' >"$out/ringcast/fb/Record.go" ;;
*" --cpp "*) printf '// header\n\n\n' >"$out/sample_generated.h" ;;
*" --java "*) d=$out/io/github/ringcast/fb && mkdir -p "$d" && 
	printf 'FLATBUFFERS_25_12_19();\n  public void mutateClass(int class) { bb.put(p + 24, (byte) class); }\n' >"$d/Record.java" ;;
*" --python "*) mkdir -p "$out/ringcast/fb" && echo 'x = 1' >"$out/ringcast/fb/Record.py" ;;
*) echo "unexpected: $*" >&2; exit 3 ;;
esac
