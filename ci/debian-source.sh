#!/bin/sh
# Fetches source packages of Debian 12 into a directory and unpacks them there:
#
#   sh ci/debian-source.sh DIRECTORY PACKAGE...
#   sh ci/debian-source.sh --upstream DIRECTORY PACKAGE
#
# With --upstream, without Debian's own changes, which mirrors lack now and then.
#
# The versions are the same on every machine, since what is expected of these programs is written
# down. The machine's own lists need not name sources: the first mirror that they do name is asked,
# with lists of our own.
set -eu
upstream=no
if [ "$1" = --upstream ]; then
    upstream=yes
    shift
fi
directory=$1
shift
mkdir -p "$directory/lists/partial"
cd "$directory"
exec 9> lock # apt does not wait for another's lists: it fails.
if ! flock -w 900 9; then
    echo "debian-source: another run of this script does not end" >&2
    exit 1
fi
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list \
    2> /dev/null | grep -v security | head -n 1)
echo "deb-src $mirror bookworm main" > sources.list
apt() {
    apt-get -o "Dir::Etc::SourceList=$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o "Dir::State::Lists=$PWD/lists" -o APT::Sandbox::User=root -qq "$@"
}
apt update
if [ "$upstream" = yes ]; then
    apt source --tar-only "$1" > /dev/null
    cat "$1"_*.orig.tar.* | tar -xz
else
    apt source "$@" > /dev/null
fi
