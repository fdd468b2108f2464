#!/bin/sh
# Runs the behaviours on libuv, which is there for comparison, and in a simulation under Wine. On
# all other backends the row "windows" of ci/test.sh runs them.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config dpkg-dev gcc-mingw-w64-x86-64-win32 \
    wine64
sh ci/windows-deps.sh
cmake --preset mingw-debug
cmake --build --preset mingw-debug
# Not by the preset, whose filter leaves these out.
POLLUX_TEST_PATIENCE=60 POLLUX_TEST_TIMEOUT=110 ctest --test-dir build/mingw-debug -j 6 \
    --output-on-failure --no-tests=error -R '^(behavior[.](libuv|sim)[.]|examples[.]libuv$)'
echo "wine: the behaviours pass on libuv and sim"
