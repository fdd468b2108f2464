#!/bin/sh
# From nothing installed to the comparison of all backends: `sh ci/demo.sh`, on Debian 12 or alike.
# Arguments go to `pollux compare`, as in `sh ci/demo.sh --seconds 10 --connections 16,256`.
set -eu
cd "$(dirname "$0")/.."

sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config libuv1-dev \
    libcjson-dev strace
cmake --preset release > build-release.log 2>&1 || {
    cat build-release.log
    exit 1
}
rm -f build-release.log
cmake --build --preset release

echo
build/release/pollux backends
echo
build/release/pollux compare "$@"
cat << 'END'

How to go on:
  build/release/pollux serve --mode http --listen tcp://127.0.0.1:8080
  curl -v http://127.0.0.1:8080/
  build/release/pollux load --connections 64 --duration 5 --mode http tcp://127.0.0.1:8080
  build/release/pollux --help
  examples/echo.c is the shortest server; README.md shows how to build on Pollux.
END
