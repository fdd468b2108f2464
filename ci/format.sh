#!/bin/sh
# Checks the format of every C file, by .clang-format; `sh ci/format.sh --fix` mends it.
set -eu
cd "$(dirname "$0")/.."
format=$(command -v clang-format-14 || echo clang-format)
files=$(git ls-files -co --exclude-standard '*.c' '*.h')
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086
    "$format" -i $files
else
    # shellcheck disable=SC2086
    "$format" --dry-run -Werror $files
fi
echo "format: $(echo "$files" | wc -l) files"
