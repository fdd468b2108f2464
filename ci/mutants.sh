#!/bin/sh
# Plants bugs, one at a time, and reports whether the tests notice: `sh ci/mutants.sh --help`.
#
#   sh ci/mutants.sh                     150 mutants, drawn by the hash of the last commit
#   sh ci/mutants.sh --change            of the lines that the work tree has changed
#   sh ci/mutants.sh --windows --count 40
set -eu
cd "$(dirname "$0")/.."
packages="gcc libc6-dev cmake ninja-build pkg-config git check libuv1-dev liburing-dev python3"
case " $* " in
*' --help '* | *' -h '* | *' --list '*) ;;
*' --windows '*)
    # shellcheck disable=SC2086
    sh ci/packages.sh $packages gcc-mingw-w64-x86-64-win32 wine64
    sh ci/windows-deps.sh
    ;;
*)
    # shellcheck disable=SC2086
    sh ci/packages.sh $packages
    ;;
esac
exec python3 tests/mutants/run.py "$@"
