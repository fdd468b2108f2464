#!/bin/sh
# Makes the Wine prefix that the tests run in, unless it is there, and prints where that is.
#
# Wine calls itself Windows 7 by default. The tests are to take the paths of a present one, whose
# WSAPoll reports refused connections (build 19041 and later); one case asks for the older path.
set -eu
. "$(dirname "$0")/help.sh"

prefix=${POLLUX_WINEPREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/pollux/wineprefix}
stamp=$prefix/complete-1
if [ ! -e "$stamp" ]; then
    wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
    export WINEPREFIX="$prefix" WINEDEBUG=-all
    mkdir -p "$(dirname "$prefix")"
    version='HKLM\Software\Microsoft\Windows NT\CurrentVersion'
    {
        "$wine" wineboot -i
        "$wine" winecfg -v win10
        "$wine" reg add "$version" /v CurrentBuildNumber /d 19045 /f
        "$wine" reg add "$version" /v CurrentBuild /d 19045 /f
    } < /dev/null > /dev/null 2>&1
    touch "$stamp"
fi
echo "$prefix"
