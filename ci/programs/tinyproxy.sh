# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# It wants regex.h, which TRE has.
tinyproxy() {
    say "tinyproxy: an HTTP proxy, a thread for each client"
    tre_install
    unpacked tinyproxy tinyproxy-1.11.1
    (
        cd "$work/tinyproxy"
        built ./configure --host=x86_64-w64-mingw32 CC="$CC" \
            CPPFLAGS="-I$work/tre-installed/include/tre" LDFLAGS="-L$work/tre-installed/lib" \
            LIBS=-ltre
        built make -C src
    )
    unchanged tinyproxy
    printf '%s\n' "Port $base" 'Listen 127.0.0.1' 'Timeout 60' 'MaxClients 20' 'LogLevel Info' \
        "ConnectPort $((base + 1))" "Filter \"$work/filter\"" 'FilterURLs On' \
        'ViaProxyName "pollux"' > "$work/tinyproxy.conf"
    echo 'forbidden' > "$work/filter"
    background "$wine" "$work/tinyproxy/src/tinyproxy.exe" -d -c "$work/tinyproxy.conf"
    web
    listens "$base"
    shown curl -s -x "127.0.0.1:$base" -o "$work/got" "http://127.0.0.1:$((base + 1))/file" \
        -w '  %{http_code}, %{size_download} bytes\n'
    cmp "$work/got" "$work/web/file"
    expect "3 MB through it" "$(wc -c < "$work/got")" 3000000
    eight_at_once "8 at once, by CONNECT" -p -x "127.0.0.1:$base" \
        "http://127.0.0.1:$((base + 1))/file"
    answer=$(curl -s -x "127.0.0.1:$base" -o "$work/got" -w '%{http_code}' \
        "http://127.0.0.1:$((base + 1))/forbidden")
    expect "a filter, which is a regular expression" "$answer" 403
    finish
}
