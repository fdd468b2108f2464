#!/bin/sh
# Sourced by a script, before it changes its directory: `. "$(dirname "$0")/help.sh"`. When one of
# its arguments is --help, prints the comment that the script begins with, and ends it.

script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")

# What the script begins with, for those who use it wrongly.
script_about() {
    sed -n '2,${/^#/!q; /^# shellcheck/q; s/^# \{0,1\}//p;}' "$script"
}

for argument in "$@"; do
    case $argument in
    --help | -h)
        script_about
        exit 0
        ;;
    esac
done
