#!/bin/sh
# Makes a Debian root of another architecture in ~/.cache/pollux/roots, unless it is there, and
# prints its path:
#
#   sh ci/nightly/root.sh NAME VARIANT ARCHITECTURE PACKAGE...
#
# VARIANT is mmdebstrap's: "extract" unpacks packages without running anything of them. Exit code
# 77: it cannot be made here, with the reason on the last line.
set -eu
cd "$(dirname "$0")/../.."
name=$1 variant=$2 architecture=$3
shift 3
packages=$(echo "$*" | tr ' ' ',')
roots=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/roots
root=$roots/$name
made="$variant $architecture $packages"

not_made() {
    echo "root: $*"
    exit 77
}

if [ "$(cat "$root.made" 2> /dev/null)" != "$made" ]; then
    [ "$(id -u)" -eq 0 ] || not_made "roots are made by root alone"
    sh ci/packages.sh mmdebstrap arch-test >&2 || not_made "mmdebstrap is not installed"
    mirror=${POLLUX_DEBIAN_MIRROR:-$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p
        s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list \
        /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2> /dev/null |
        grep -v security | head -n 1)}
    mkdir -p "$roots"
    rm -rf "$root" "$root.made"
    mmdebstrap --quiet --variant="$variant" --architectures="$architecture" \
        --include="$packages" bookworm "$root" "$mirror" > "$root.log" 2>&1 ||
        not_made "mmdebstrap: $(grep -m 1 '^E:' "$root.log" || echo "see $root.log")"
    echo "$made" > "$root.made"
fi
echo "$root"
