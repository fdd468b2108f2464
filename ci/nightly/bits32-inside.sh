#!/bin/sh
# What ci/nightly/bits32.sh runs in its root.
set -eu
options='-G Ninja -DCMAKE_BUILD_TYPE=Debug -DPOLLUX_BACKENDS=poll;select;epoll;uring;libuv
    -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_TEST_CONSUMERS=OFF -DPOLLUX_WARNINGS_AS_ERRORS=ON'
# shellcheck disable=SC2086
cmake -S . -B build/debug $options -DPOLLUX_BUILD_TOOLS=ON
cmake --build build/debug -j 2
POLLUX_FUZZ_SECONDS=10 ctest --test-dir build/debug -j 6 --output-on-failure --no-tests=error
# shellcheck disable=SC2086
cmake -S . -B build/time64 $options -DPOLLUX_BUILD_TOOLS=OFF -DPOLLUX_BUILD_EXAMPLES=OFF \
    '-DCMAKE_C_FLAGS=-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64'
cmake --build build/time64 -j 2
ctest --test-dir build/time64 -j 6 --output-on-failure --no-tests=error \
    -L '^(unit|behavior|epoll|uring)$'
