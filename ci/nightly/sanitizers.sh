#!/bin/sh
# Runs the behaviours on libuv, which is there for comparison, and in a simulation with
# AddressSanitizer and UndefinedBehaviorSanitizer, then with ThreadSanitizer. On all other backends
# the rows "asan" and "tsan" of ci/test.sh run them.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh gcc g++ libc6-dev cmake ninja-build pkg-config check libuv1-dev libcjson-dev \
    libcurl4-openssl-dev libpq-dev libhiredis-dev libc-ares-dev liburing-dev curl strace
for preset in asan tsan; do
    cmake --preset $preset
    cmake --build --preset $preset
    # Not by the preset, whose filter leaves these out.
    POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 ctest --test-dir build/$preset -j 6 \
        --output-on-failure --no-tests=error -R '^(behavior[.](libuv|sim)|sim)[.]'
done
echo "sanitizers: the behaviours pass on libuv and sim"
