#!/bin/sh
# Compiles the accessors and reads the golden images through them. Runs in the
# root of the repository; FLATBUFFERS_JAR is FlatBuffers' runtime for Java.
set -eu
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
find cbindings/java/src -name '*.java' >"$classes/sources"
javac -Xlint:all,-serial -Werror -d "$classes" -cp "$FLATBUFFERS_JAR" "@$classes/sources"
java -cp "$classes:$FLATBUFFERS_JAR" io.github.ringcast.ReadImages codec/golden
