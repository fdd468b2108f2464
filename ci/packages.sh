#!/bin/sh
# Installs Debian packages that are missing: `packages.sh NAME...`. As root, or with sudo.
set -eu

missing=
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q '^install ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get > /dev/null; then
    echo "packages: this system has no apt-get; install by hand:$missing" >&2
    exit 1
fi
root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
        echo "packages: run this as root, or install sudo. Missing:$missing" >&2
        exit 1
    fi
    root=sudo
fi
echo "packages: installing$missing"
$root apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
    > /dev/null
