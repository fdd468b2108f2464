# Read by ci/posix-programs.sh, whose functions and names these are.
# shellcheck shell=sh disable=SC2154,SC2034,SC2164
# A library, whose tests are many.

# libevent_make TARGET...: Debian's changes make its makefile look older than what that is made of.
libevent_make() {
    built env POLLUX_PURE=1 make -j 2 -C "$work/libevent" AUTOMAKE=: ACLOCAL=: AUTOCONF=: \
        AUTOHEADER=: "$@"
}

# Into build/posix-programs/libevent, once a run.
libevent_build() {
    [ -z "${libevent_built:-}" ] || return 0
    unpacked libevent libevent-2.1.12-stable
    # A stamp: what a program of its own has generated is there, and stays.
    touch "$work/libevent/test/rpcgen-attempted"
    touch "$work"/libevent/test/regress.gen.[ch]
    (
        cd "$work/libevent"
        export POLLUX_PURE=1 # It has a Windows branch of its own.
        built ./configure --host=x86_64-w64-mingw32 --disable-shared --disable-openssl \
            --disable-samples --disable-dependency-tracking CC="$CC" CFLAGS=-O1
    )
    libevent_make include/event2/event-config.h
    libevent_make libevent.la
    libevent_built=yes
}

# regress TEST: whether it passes. Some compare times, for which a busy machine may be too slow: in
# three runs at the most.
regress() {
    runs=1
    until timeout 60 "$wine" "$work/libevent/test/regress.exe" --no-fork --quiet "$1" \
        < /dev/null > "$work/got" 2>&1; do
        tail -n 4 "$work/got"
        [ $runs -lt 3 ] || return 1
        runs=$((runs + 1))
    done
}

libevent() {
    say "libevent: an event loop, with its own tests"
    libevent_build
    libevent_make test/regress.exe
    unchanged libevent
    # Each in a process of its own, as they are natively, by fork(). Not those that fork, nor one of
    # edges (one is told once more after a read), nor one that wants names to take descriptors. Two
    # read an answer behind which the server resets the connection: Windows, and Wine since 9,
    # discards what was not read by then (windows_facts, poll.6).
    discards=yes
    case $("$wine" --version) in
    wine-[1-8].*) discards=no ;;
    esac
    count=0
    failed=
    for one in $("$wine" "$work/libevent/test/regress.exe" --list-tests < /dev/null 2> /dev/null |
        sed -n '/DISABLED/d; s,^ *\([a-z_0-9]*/[A-Za-z_0-9]*\).*,\1,p'); do
        case $one in
        main/fork | thread/forking | util/log | et/et | dns/*_emfile) continue ;;
        http/data_length_constraints | http/read_on_write_error) [ $discards = no ] || continue ;;
        esac
        count=$((count + 1))
        regress "$one" || failed="$failed $one"
    done
    expect "its own tests: $count" "$failed" ""
}
