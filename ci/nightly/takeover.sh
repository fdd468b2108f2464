#!/bin/sh
# Replaces servers under load, as a user's release is built: 20 times for each of several policies.
# No request of 50,000 or more may fail.
#
#   sh ci/nightly/takeover.sh
#
# Exit codes: 0: none has failed; 1: not so.
set -eu
. "$(dirname "$0")/../help.sh"
cd "$(dirname "$0")/../.."
if [ $# -gt 0 ]; then
    script_about >&2
    exit 2
fi
sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config libcjson-dev liburing-dev
build=build/takeover
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DPOLLUX_BUILD_EXAMPLES=OFF
cmake --build $build -j 2 --target pollux_tool
sh tests/tool_takeover.sh $build/pollux 20 50000
