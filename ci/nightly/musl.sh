#!/bin/sh
# Builds the library with musl, and runs the unit tests, the behaviours and the fuzzer, linked
# statically. Check comes from Debian's sources, built once into ~/.cache/pollux/musl. The suites of
# the POSIX layer compare with glibc, and are left out.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config dpkg-dev musl-tools linux-libc-dev
prefix=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/musl

# musl has no headers of the kernel: they are taken from where glibc's are, when musl has none of
# that name.
triplet=$(gcc -print-multiarch)
flags="-idirafter /usr/include -idirafter /usr/include/$triplet"

if [ ! -e "$prefix/complete-1" ]; then
    rm -rf "$prefix"
    sh ci/debian-source.sh "$prefix/source" check
    cmake -S "$prefix"/source/check-* -B "$prefix/build" -G Ninja -DCMAKE_C_COMPILER=musl-gcc \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DBUILD_TESTING=OFF \
        -DCHECK_ENABLE_TESTS=OFF -DHAVE_SUBUNIT=OFF \
        -DCMAKE_C_FLAGS=-Wno-error=implicit-function-declaration
    cmake --build "$prefix/build"
    cmake --install "$prefix/build"
    rm -rf "$prefix/source" "$prefix/build"
    touch "$prefix/complete-1"
fi

cmake -S . -B build/musl -G Ninja -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_BUILD_TYPE=Debug \
    "-DCMAKE_C_FLAGS=$flags" -DCMAKE_EXE_LINKER_FLAGS=-static -DCMAKE_PREFIX_PATH="$prefix" \
    -DPOLLUX_BACKENDS='poll;select;epoll' -DPOLLUX_BUILD_TOOLS=OFF -DPOLLUX_BUILD_EXAMPLES=OFF \
    -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_TEST_CONSUMERS=OFF -DPOLLUX_WARNINGS_AS_ERRORS=ON
cmake --build build/musl -j 2 --target pollux unit behavior epoll fuzz_api
POLLUX_FUZZ_SECONDS=10 ctest --test-dir build/musl -j 6 --output-on-failure --no-tests=error \
    -L '^(unit|behavior|epoll)$'
POLLUX_FUZZ_SECONDS=10 ctest --test-dir build/musl -j 6 --output-on-failure --no-tests=error \
    -R '^fuzz_api\.'
echo "musl: units, behaviours and the fuzzer pass"
