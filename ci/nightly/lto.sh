#!/bin/sh
# Builds everything with optimization across files at link time, as a user's release may, and runs
# every suite. What breaks the rules of aliasing shows itself there first.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh gcc g++ libc6-dev cmake ninja-build pkg-config check libuv1-dev libcjson-dev \
    libcurl4-openssl-dev liburing-dev curl strace
for level in -O2 -O3; do
    directory=build/lto$level
    cmake -S . -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_C_FLAGS_RELEASE="$level -DNDEBUG" -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
        -DPOLLUX_BACKENDS='poll;select;epoll;uring;libuv' -DPOLLUX_BUILD_TOOLS=ON \
        -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_TEST_CONSUMERS=OFF -DPOLLUX_WARNINGS_AS_ERRORS=ON
    cmake --build "$directory" -j 2
    grep -q -e '-flto' "$directory/build.ninja" || {
        echo "lto: CMake has not turned it on"
        exit 1
    }
    POLLUX_FUZZ_SECONDS=10 ctest --test-dir "$directory" -j 6 --output-on-failure \
        --no-tests=error
done
echo "lto: every suite passes with -O2 and -O3"
