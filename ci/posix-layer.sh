#!/bin/sh
# Builds the POSIX layer as a release, installs it in build/posix-prefix, and prints the path of
# pollux-cc there. The tree is that of the preset mingw-release, whose row of test.sh has built it.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
{
    cmake -S . -B build/mingw-release -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_TOOLCHAIN_FILE="$PWD/ci/toolchains/x86_64-w64-mingw32.cmake" \
        -DPOLLUX_WARNINGS_AS_ERRORS=ON &&
        cmake --build build/mingw-release -j 2 &&
        cmake --install build/mingw-release --prefix "$PWD/build/posix-prefix"
} > build/posix-layer.log 2>&1 || {
    tail -n 40 build/posix-layer.log >&2
    exit 1
}
echo "$PWD/build/posix-prefix/bin/pollux-cc"
