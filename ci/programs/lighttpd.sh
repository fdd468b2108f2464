# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164

# got ARGUMENTS... of curl: the file, and how it was answered.
got() {
    curl -s -o "$work/got" -w '%{http_code}, %{size_download} bytes' "$@"
}

# served BACKEND: 3 MB, a part of it, eight times at once, what is not there; and the end of it.
served() {
    url=http://127.0.0.1:$base
    printf '%s\n' "server.document-root = \"$work/web\"" 'server.bind = "127.0.0.1"' \
        "server.port = $base" "server.event-handler = \"$1\"" \
        'server.modules = ("mod_access", "mod_accesslog", "mod_staticfile", "mod_setenv")' \
        'mimetype.assign = ("" => "application/octet-stream")' \
        "accesslog.filename = \"$work/access.log\"" 'url.access-deny = ("~")' \
        'setenv.add-response-header = ("X-Loop" => "pollux")' > "$work/lighttpd.conf"
    rm -f "$work/access.log"
    background "$wine" "$work/lighttpd/src/lighttpd.exe" -D -f "$work/lighttpd.conf"
    server=${pids##* }
    listens "$base"
    expect "$1: 3 MB" "$(got "$url/file")" "200, 3000000 bytes"
    cmp "$work/got" "$work/web/file"
    expect "a range" "$(got -r 1000000-1999999 "$url/file")" "206, 1000000 bytes"
    tail -c +1000001 "$work/web/file" | head -c 1000000 | cmp - "$work/got"
    expect "no such file" "$(got "$url/none" | cut -c 1-3)" 404
    expect "a file that is denied" "$(got "$url/file~" | cut -c 1-3)" 403
    curl -sI "$url/file" | tr -d '\r' > "$work/headers"
    expect "a header of its own" "$(grep -c "^X-Loop: pollux" "$work/headers")" 1
    tag=$(sed -n 's/^ETag: //p' "$work/headers")
    expect "the same file" "$(got -H "If-None-Match: $tag" "$url/file")" "304, 0 bytes"
    eight_at_once "8 at once" "$url/file"
    kill -INT "$server" # Wine makes Ctrl-C of it, and the layer SIGINT.
    wait "$server" && code=0 || code=$?
    pids=
    expect "SIGINT ends it in its own way" "$code $(grep -c 'graceful shutdown started' \
        "$work/background.log") $(grep -c 'server stopped' "$work/background.log")" "0 1 1"
    expect "its log of the requests" \
        "$(sed -n 's/.*HTTP.1.1" \([0-9]*\).*/\1/p' "$work/access.log" | sort | uniq -c |
            tr -s ' \n' ' ')" " 10 200 1 206 1 304 1 403 1 404 "
}

lighttpd() {
    say "lighttpd: a web server, over epoll and over poll()"
    unpacked lighttpd lighttpd-1.4.69
    # A static program has a list of its modules, which who builds it writes (INSTALL).
    for one in access accesslog alias dirlisting expire indexfile proxy redirect rewrite setenv \
        staticfile status; do
        echo "PLUGIN_INIT(mod_$one)"
    done > "$work/lighttpd/src/plugin-static.h"
    (
        cd "$work/lighttpd"
        export POLLUX_PURE=1 LIGHTTPD_STATIC=yes
        built ./configure --host=x86_64-w64-mingw32 --disable-shared --enable-static \
            --disable-dependency-tracking --without-pcre2 --without-zlib --without-bzip2 \
            CC="$CC" CFLAGS=-O1
        built make -j 2 -C src -o lemon versionstamp lighttpd
    )
    unchanged lighttpd
    mkdir -p "$work/web"
    head -c 3000000 /dev/urandom > "$work/web/file"
    cp "$work/web/file" "$work/web/file~"
    served linux-sysepoll
    served poll
}
