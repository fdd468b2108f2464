#!/bin/sh
# Cross-builds what the tests and tools need on Windows, from Debian's own source packages, into a
# cache outside of the tree. Does nothing when that has been done. Takes about two minutes.
#
#   sh ci/windows-deps.sh           build what is missing
#   sh ci/windows-deps.sh --where   print where it is
set -eu
. "$(dirname "$0")/help.sh"

triplet=x86_64-w64-mingw32
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pollux
prefix=${POLLUX_WINDOWS_DEPS:-$cache/$triplet}
work=$cache/windows-deps

if [ "${1:-}" = --where ]; then
    echo "$prefix"
    exit 0
fi

# The sources of Debian packages, though the machine's own lists may name none: from the first
# mirror that they do name, with lists of our own.
sources_fetch() {
    mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list \
        2>/dev/null | grep -v security | head -n 1)
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mkdir -p lists/partial
    echo "deb-src $mirror $codename main" > sources.list
    set -- -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root -qq
    apt-get "$@" update
    apt-get "$@" source check libuv1 cjson > /dev/null
}

# cmake_install DIRECTORY [OPTION...]
cmake_install() {
    name=$(basename "$1")
    shift
    echo "windows-deps: $name"
    {
        cmake -S "$name" -B "build-$name" -G Ninja -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_TOOLCHAIN_FILE="$here/toolchains/$triplet.cmake" \
            -DCMAKE_INSTALL_PREFIX="$prefix" "$@"
        cmake --build "build-$name"
        cmake --install "build-$name"
    } > "$name.log" 2>&1 || {
        tail -n 30 "$name.log" >&2
        exit 1
    }
}

stamp=$prefix/complete-1
[ -e "$stamp" ] && exit 0
rm -rf "$work" "$prefix"
mkdir -p "$work" "$prefix"
cd "$work"
sources_fetch
# Check 0.15.2 calls functions without declarations, which gcc 14 takes for errors.
cmake_install check-* -DCMAKE_C_FLAGS=-Wno-error=implicit-function-declaration \
    -DBUILD_TESTING=OFF -DCHECK_ENABLE_TESTS=OFF -DHAVE_SUBUNIT=OFF
cmake_install libuv1-* -DBUILD_TESTING=OFF -DLIBUV_BUILD_TESTS=OFF
cmake_install cjson-* -DENABLE_CJSON_TEST=OFF -DBUILD_SHARED_LIBS=OFF \
    -DENABLE_CUSTOM_COMPILER_FLAGS=OFF
cd /
rm -rf "$work"
touch "$stamp"
