#!/bin/sh
# Installs the library, builds programs against it as its users do, and runs them. Prints a line a test.
#
#	run.sh BUILD    in cbindings; needs pkg-config, cmake, nm, readelf, ldd
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RINGCAST_SHM_DIR="$work/shm"
failed=0
here=test/install

# check NAME COMMAND...
check() {
	name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok c/install/$name"
	else
		failed=1
		echo "not ok c/install/$name: $(tail -n 5 "$work/log" | tr '\n' ' ')"
	fi
}

for tool in pkg-config cmake nm readelf ldd cc c++; do
	check "has-$tool" command -v $tool
done

# A packager's way: DESTDIR, and a folder of libraries that is not PREFIX/lib.
check destdir make -s BUILD="$build" install DESTDIR="$work/stage" PREFIX=/usr LIBDIR=/usr/lib/machine
check staged-pkg-config grep -q '^libdir=/usr/lib/machine$' "$work/stage/usr/lib/machine/pkgconfig/ringcast.pc"
staged_cmake() { cmake -S $here -B "$work/staged" -Dringcast_DIR="$work/stage/usr/lib/machine/cmake/ringcast" && cmake --build "$work/staged" && "$work/staged/consumer-c-static"; }
check staged-find-package staged_cmake

prefix=$work/prefix
check prefix make -s BUILD="$build" install PREFIX="$prefix"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
with_pkg_config() { # compiler, source, standard, kind
	out=$work/$4-$(basename "$2")
	# shellcheck disable=SC2046
	if [ "$4" = static ]; then
		"$1" -std="$3" -o "$out.bin" "$2" $(pkg-config --cflags ringcast) "$prefix/lib/libringcast.a" $(pkg-config --static --libs-only-other ringcast)
	else
		"$1" -std="$3" -o "$out.bin" "$2" $(pkg-config --cflags --libs ringcast)
	fi && "$out.bin"
}
check pkg-config-c with_pkg_config cc $here/consumer.c c11 shared
check pkg-config-c++ with_pkg_config c++ $here/consumer.cc c++17 shared
check pkg-config-c-static with_pkg_config cc $here/consumer.c c11 static
check pkg-config-c++-static with_pkg_config c++ $here/consumer.cc c++17 static

cmake_build() { cmake -S $here -B "$work/$1" "$2" && cmake --build "$work/$1"; }
check find-package cmake_build found -DCMAKE_PREFIX_PATH="$prefix"
for kind in c-ringcast cc-ringcast c-static cc-static; do
	check "find-package-$kind" "$work/found/consumer-$kind"
done
other_version() { ! cmake -S $here -B "$work/other" -DCMAKE_PREFIX_PATH="$prefix" -DWANT=7; }
check find-package-other-version other_version
check add-subdirectory cmake_build tree -DRINGCAST_SOURCE="$PWD"
for kind in c-ringcast cc-ringcast c-static cc-static; do
	check "add-subdirectory-$kind" "$work/tree/consumer-$kind"
done

# What the shared library shows, needs and is called.
library=$prefix/lib/libringcast.so
only_rc() { [ -z "$(nm -D --defined-only "$library" | awk '{print $NF}' | grep -v '^rc_')" ]; }
check only-rc-symbols only_rc
soname() { readelf -d "$library" | grep -q 'SONAME.*\[libringcast\.so\.0\]'; }
check soname soname
needs_libc() { ! readelf -d "$library" | grep NEEDED | grep -qv 'libc\.so\|libpthread\.so\|ld-linux'; }
check needs-only-libc needs_libc
no_go() { ! readelf -S "$library" | grep -q 'gopclntab\|go\.buildinfo\|note\.go' && ! ldd "$work/shared-consumer.c.bin" | grep -qi 'libgo'; }
check no-go no_go
loads_ours() { ldd "$work/shared-consumer.c.bin" | grep -q "libringcast.so.0 => $prefix/lib/libringcast.so.0"; }
check loads-the-soname loads_ours
# All that the headers declare is there.
declared() {
	sed -n 's/^RC_API .*[ *]\(rc_[a-z0-9_]*\)(.*/\1/p' include/ringcast.h include/ringcast/*.h | sort -u >"$work/declared"
	nm -D --defined-only "$library" | awk '{print $NF}' | sort -u >"$work/defined"
	[ -s "$work/declared" ] && diff "$work/declared" "$work/defined"
}
check header-and-symbols declared
exit $failed
