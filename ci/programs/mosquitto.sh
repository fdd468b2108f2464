# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
mosquitto() {
    unpacked mosquitto mosquitto-2.0.11
    lines=$(cat "$work"/mosquitto/src/*.[ch] | wc -l)
    say "mosquitto: a broker of MQTT; $lines lines, and its library"
    # Without what comes from other libraries. The clients are native, from the same source.
    set -- WITH_TLS=no WITH_CJSON=no WITH_SYSTEMD=no WITH_DOCS=no WITH_SRV=no WITH_WRAP=no \
        WITH_WEBSOCKETS=no WITH_STRIP=no WITH_SHARED_LIBRARIES=no WITH_STATIC_LIBRARIES=yes
    built env POLLUX_PURE=1 make -j 2 -C "$work/mosquitto/src" CC="$CC" UNAME=Windows \
        WITH_EPOLL=no "$@" mosquitto
    unchanged mosquitto
    rm -rf "$work/mosquitto-native"
    cp -a "$sources/mosquitto-2.0.11" "$work/mosquitto-native"
    built make -j 2 -C "$work/mosquitto-native/lib" "$@"
    built make -j 2 -C "$work/mosquitto-native/client" "$@"
    client=$work/mosquitto-native/client
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$base" > "$work/mosquitto.conf"
    background "$wine" "$work/mosquitto/src/mosquitto.exe" -v -c "$work/mosquitto.conf"
    broker=${pids##* }
    listens "$base"
    printf '  $ mosquitto_sub -p %s -q 1 -t "pollux/#" -C 20 -v > got &\n' "$base"
    "$client/mosquitto_sub" -p "$base" -q 1 -t 'pollux/#' -C 20 -v > "$work/got" &
    subscriber=$!
    pids="$pids $subscriber"
    until_true logged 1 "Sending SUBACK"
    shown sh -c "seq 20 | '$client/mosquitto_pub' -p $base -q 1 -t pollux/count -l"
    wait $subscriber
    expect "20 messages, in order" "$(tr '\n' ' ' < "$work/got")" \
        "$(seq -f 'pollux/count %g' 20 | tr '\n' ' ')"
    "$client/mosquitto_sub" -p "$base" -t large -C 1 > "$work/got" &
    subscriber=$!
    pids="$pids $subscriber"
    until_true logged 2 "Sending SUBACK"
    file=$prefix/lib/libpollux-posix.a
    size=$(wc -c < "$file")
    shown "$client/mosquitto_pub" -p "$base" -t large -q 2 -f "$file"
    wait $subscriber
    head -c "$size" "$work/got" | cmp - "$file"
    expect "a message of $size bytes" "$(wc -c < "$work/got")" $((size + 1))
    shown kill -INT "$broker" # Wine makes Ctrl-C of it, and the layer SIGINT.
    wait "$broker" && code=0 || code=$?
    expect "SIGINT ends it in its own way" \
        "$code $(grep -c terminating "$work/background.log")" "0 1"
    finish
}
