#!/bin/sh
# Runs every fuzzer for four minutes on each backend, with AddressSanitizer and
# UndefinedBehaviorSanitizer; then, with ThreadSanitizer, that of the API for one.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh gcc g++ libc6-dev cmake ninja-build pkg-config check libuv1-dev libcjson-dev \
    libcurl4-openssl-dev liburing-dev curl strace
for preset in asan tsan; do
    cmake --preset $preset
    cmake --build --preset $preset
done
POLLUX_FUZZ_SECONDS=240 ctest --preset asan -L fuzz
POLLUX_FUZZ_SECONDS=60 ctest --preset tsan -R '^fuzz_api\.'
echo "fuzz: nothing was found"
