#!/bin/sh
# Checks every shell script with shellcheck.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
files=$(git ls-files -co --exclude-standard '*.sh')
# shellcheck disable=SC2086
shellcheck -x -P SCRIPTDIR $files
echo "shell: $(echo "$files" | wc -l) scripts"
