#!/bin/sh
# From nothing installed to the comparison of all backends: `sh ci/demo.sh`, on Debian 12 or 13 or
# alike, as root or with sudo. Arguments go to `pollux compare`, as in
# `sh ci/demo.sh --seconds 10 --connections 16,256`.
#
# Exit codes: 0: built and compared; 77: packages could not be fetched; else something failed.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
backends='poll select epoll uring libuv'

sh ci/packages.sh gcc libc6-dev cmake ninja-build pkg-config liburing-dev libuv1-dev \
    libcjson-dev strace
log=build-release.log
{
    cmake --preset release -DPOLLUX_BUILD_TOOLS=ON && cmake --build --preset release
} > "$log" 2>&1 || {
    cat "$log"
    exit 1
}
grep '^-- Backends of Pollux' "$log"
rm -f "$log"

echo
build/release/pollux backends
# shellcheck disable=SC2086
sh ci/expect-backends.sh build/release/pollux $backends > build/expected.txt
echo
build/release/pollux compare "$@" > build/compared.txt
cat build/compared.txt
case " $* " in
*" --backends"* | *" --json "* | *" --help "*) ;; # No row for each, or no rows.
*)
    # shellcheck disable=SC2086
    sh ci/expect-backends.sh --compared build/compared.txt build/release/pollux $backends \
        > build/expected.txt
    ;;
esac
cat << 'END'

How to go on:
  build/release/pollux serve --mode http --listen tcp://127.0.0.1:8080
  curl -v http://127.0.0.1:8080/
  build/release/pollux load --connections 64 --duration 5 --mode http tcp://127.0.0.1:8080
  build/release/pollux --help
  examples/echo.c is the shortest server; README.md shows how to build on Pollux.
END
