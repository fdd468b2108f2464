# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164

# pen_server PORT: a native web server whose file "name" has its port.
pen_server() {
    mkdir -p "$work/pen$1"
    echo "$1" > "$work/pen$1/name"
    (cd "$work/pen$1" && exec python3 -m http.server --bind 127.0.0.1 "$1") \
        > /dev/null 2>&1 < /dev/null &
    pids="$pids $!"
    listens "$1"
}

# Who has answered ten requests, one after the other.
pen_answers() {
    for request in 1 2 3 4 5 6 7 8 9 10; do
        curl -s "http://127.0.0.1:$base/name" || echo "no answer to $request"
    done | sort -u | tr '\n' ' '
}

# pen_begin HOW ARGUMENTS...: two servers behind it.
pen_begin() {
    how=$1
    shift
    first=$((base + 1)) second=$((base + 2))
    background "$wine" "$work/pen/pen.exe" -f -r "$@" "127.0.0.1:$base" "127.0.0.1:$first" \
        "127.0.0.1:$second"
    balancer=${pids##* }
    listens "$base"
    pen_server "$second"
    expect "$how: two servers, in turn" "$(pen_answers)" "$first $second "
    eight_at_once "$how: 8 at once" "http://127.0.0.1:$base/file"
}

# The second server has died: the first is asked instead.
pen_fails_over() {
    kill "${pids##* }"
    wait "${pids##* }" || true
    expect "$how: one has died, the other answers" "$(pen_answers)" "$first "
}

pen_end() {
    kill "$balancer" "${pids##* }" || true
    wait "$balancer" "${pids##* }" || true
}

pen() {
    say "pen: a load balancer, over epoll and over poll()"
    unpacked pen pen-0.34.1
    (
        cd "$work/pen"
        built ./configure --host=x86_64-w64-mingw32 CC="$CC"
        built make
    )
    unchanged pen
    web
    echo $((base + 1)) > "$work/web/name"
    mkdir -p "$work/pen$((base + 2))"
    ln -f "$work/web/file" "$work/pen$((base + 2))/file"
    pen_begin epoll # Over which it drops who comes to a dead server, on Linux too.
    pen_end
    pen_begin poll -P
    pen_fails_over
    finish
}
