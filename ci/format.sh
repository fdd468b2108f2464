#!/bin/sh
# Checks the format of every C file, by .clang-format; `sh ci/format.sh --fix` mends it.
#
# clang-format 14 is the judge: 19, of Debian 13, wants 83 lines otherwise. Exit code 77: it is
# missing.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
if ! format=$(command -v clang-format-14); then
    echo "format: clang-format 14 is not here, and other versions format differently"
    exit 77
fi
files=$(git ls-files -co --exclude-standard '*.c' '*.h')
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086
    "$format" -i $files
else
    # shellcheck disable=SC2086
    "$format" --dry-run -Werror $files
fi
echo "format: $(echo "$files" | wc -l) files"
