#!/bin/sh
# Installs Debian packages that are missing: `packages.sh NAME...`. As root, or with sudo.
#
# Exit codes: 0: all are installed; 77: the mirror did not deliver them, try again later; 1: one
# does not exist here, or cannot be installed.
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

# Two of these at once: apt does not wait for another's lists, it fails.
exec 9< /var/lib/dpkg
if ! flock -w 900 9; then
    echo "packages: another run of this script does not end; try again later. Missing:$missing" >&2
    exit 77
fi

echo "packages: installing$missing"
# One source of several may be out of reach; the next step shows whether that matters.
updated=yes
$root apt-get update -qq -o APT::Update::Error-Mode=any || updated=no
get="$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
get="$get -o DPkg::Lock::Timeout=300" # The system's own upgrades.
# shellcheck disable=SC2086
if ! $get --simulate $missing > /dev/null; then
    if [ "$updated" = no ]; then
        echo "packages: apt-get update failed, and its old lists lack one of:$missing" >&2
        exit 77
    fi
    echo "packages: this system cannot install:$missing" >&2
    exit 1
fi
# shellcheck disable=SC2086
if ! $get --download-only $missing > /dev/null; then
    echo "packages: the mirror did not deliver:$missing; try again later" >&2
    exit 77
fi
# shellcheck disable=SC2086
$get $missing > /dev/null
