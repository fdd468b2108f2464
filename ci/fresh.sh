#!/bin/sh
# Runs the commands of README.md on fresh machines: minimal Debian 12 and 13 roots, made here with
# mmdebstrap from this machine's own mirror. The committed tree is what is tested.
#
#   sh ci/fresh.sh                 on both: the library from a bare compiler, for Linux and for
#                                  Windows; demo.sh as root, and as a user with sudo; test.sh
#   sh ci/fresh.sh --demo-only     without the build for Windows and without test.sh
#   sh ci/fresh.sh --run COMMAND   COMMAND alone, by sh, as root, in the tree
#   sh ci/fresh.sh [...] RELEASE   on bookworm or trixie alone
#
# Needs root, and the right to mount. Base roots and packages are cached in ~/.cache/pollux/fresh.
# Everything runs in mount and PID namespaces of its own, which end with it: no mount and no process
# outlives this script, however it ends. Inside, POLLUX_IN_FRESH_ROOT=1 tells test.sh to make no
# further roots.
#
# Ends with a table. Exit codes: 0: all passed; 1: something failed; 77: not run, or not all of it.
set -u
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.." || exit 1

not_run() {
    echo "fresh: not run: $*"
    exit 77
}

releases=
demo_only=no
command=
while [ $# -gt 0 ]; do
    case $1 in
    --demo-only) demo_only=yes ;;
    --run)
        if [ $# -lt 2 ]; then
            echo "fresh: --run needs a command" >&2
            exit 2
        fi
        command=$2
        shift
        ;;
    bookworm | trixie) releases="$releases $1" ;;
    *)
        echo "fresh: unexpected argument \"$1\"" >&2
        script_about >&2
        exit 2
        ;;
    esac
    shift
done
[ -n "$releases" ] || releases="bookworm trixie"

# --- what this machine must have ----------------------------------------------------------------

[ "${POLLUX_IN_FRESH_ROOT:-0}" != 1 ] || not_run "this is a fresh root already"
[ "$(id -u)" -eq 0 ] || not_run "it needs root (to make roots, and to enter them)"
git -c safe.directory='*' rev-parse --verify -q HEAD > /dev/null 2>&1 ||
    not_run "this tree is not a clone of the repository"
sh ci/packages.sh mmdebstrap || not_run "mmdebstrap is not installed"
unshare --mount --pid --fork sh -c 'mount -t tmpfs tmpfs /mnt' 2> /dev/null ||
    not_run "this machine forbids mounts, as containers do without CAP_SYS_ADMIN"

# The mirror of Debian's main archive that this machine's own sources name. "mirror+file:" names a
# file with a list of mirrors.
mirror_find() {
    # shellcheck disable=SC2016
    apt-get indextargets --no-release-info --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' \
        'Created-By: Packages' | while read -r component release uri; do
        case $component/$release in
        main/bookworm | main/trixie | main/forky | main/sid | main/*stable | main/testing) ;;
        *) continue ;;
        esac
        case $uri in
        mirror+file:*) sed -n 's/^\(https\{0,1\}:[^[:space:]]*\).*/\1/p' "${uri#mirror+file:}" ;;
        http:* | https:*) echo "$uri" ;;
        esac
    done | head -n 1
}
mirror=${POLLUX_DEBIAN_MIRROR:-$(mirror_find)}
[ -n "$mirror" ] || not_run "the apt sources of this machine name no mirror of Debian"

logs=build/logs
mkdir -p "$logs"
logs=$PWD/$logs
table=$logs/fresh-table
: > "$table"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/fresh
mkdir -p "$cache"
# A run that was killed leaves its folder, but not the lock on it.
for old in "$cache"/run.*; do
    [ ! -e "$old/lock" ] || flock -n "$old/lock" rm -rf "$old"
done
work=$(mktemp -d "$cache/run.XXXXXX")
exec 8> "$work/lock"
flock 8
child=
clean() {
    [ -z "$child" ] || kill -KILL "$child" 2> /dev/null
    # Processes of a namespace that is ending may still write.
    rm -rf "$work" 2> /dev/null || { sleep 1 && rm -rf "$work"; }
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# How apt fetches here: proxies and the like.
apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' |
    grep -viE 'auto-?detect' > "$work/apt.conf"
git -c safe.directory='*' archive --prefix=pollux/ HEAD > "$work/tree.tar" || exit 1
git -c safe.directory='*' diff --quiet HEAD ||
    echo "fresh: changes that are not committed are not tested"

# --- roots ----------------------------------------------------------------------------------------

# base_make RELEASE: a tar file of a minimal system with sudo.
base_make() {
    base=$cache/$1-1.tar
    part=$cache/$1-part.tar
    [ -e "$base" ] && return 0
    echo "fresh: making a base root of $1"
    mmdebstrap --quiet --variant=minbase --include=sudo,ca-certificates \
        --aptopt="$work/apt.conf" "$1" "$part" "$mirror" > "$logs/fresh-$1-base.log" 2>&1 &&
        mv "$part" "$base"
}

# root_make RELEASE DIRECTORY: unpacks the base, and lets it fetch as this machine does.
root_make() {
    mkdir "$2" && tar -xf "$cache/$1-1.tar" -C "$2" --exclude='./dev/*' || return 1
    echo "deb $mirror $1 main" > "$2/etc/apt/sources.list"
    cp "$work/apt.conf" "$2/etc/apt/apt.conf.d/90fresh"
    cp -L /etc/resolv.conf "$2/etc/resolv.conf"
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
        cp -L /etc/ssl/certs/ca-certificates.crt "$2/etc/ssl/certs/ca-certificates.crt"
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(uname -n)" > "$2/etc/hosts"
    mkdir -p "$2/etc/sudoers.d"
    echo 'visitor ALL=(ALL) NOPASSWD: ALL' > "$2/etc/sudoers.d/visitor"
    chmod 440 "$2/etc/sudoers.d/visitor"
    enter "$1" "$2" root /root useradd --create-home --shell /bin/sh visitor || return 1
    tree_copy "$2/root" && tree_copy "$2/home/visitor" || return 1
    chown -R --reference="$2/home/visitor" "$2/home/visitor/pollux"
}

# tree_copy DIRECTORY: a repository of one commit, as somebody's shallow clone is.
tree_copy() {
    tar -xf "$work/tree.tar" -C "$1" || return 1
    set -- git -C "$1/pollux" -c user.name=fresh -c user.email=fresh@localhost -c gc.auto=0
    "$@" init -q -b main && "$@" add -A && "$@" commit -q -m "The tree that is tested"
}

# enter RELEASE ROOT USER DIRECTORY COMMAND...: with the packages that earlier runs have fetched.
# When this script ends, setpriv has unshare killed, and unshare everything in the namespace.
enter() {
    (enter_exec "$@") &
    child=$!
    wait "$child"
    entered=$?
    child=
    return "$entered"
}

enter_exec() {
    mkdir -p "$cache/$1-packages/partial"
    packages=$cache/$1-packages root=$2 user=$3 directory=$4
    shift 4
    # shellcheck disable=SC2016
    set -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME="$([ "$user" = root ] && echo /root || echo "/home/$user")" USER="$user" \
        LANG=C.UTF-8 TERM=dumb POLLUX_IN_FRESH_ROOT=1 POLLUX_STRICT="${POLLUX_STRICT:-}" \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        ${no_proxy:+"no_proxy=$no_proxy"} \
        sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
    # shellcheck disable=SC2016
    exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child sh -eu -c '
        root=$1 packages=$2 user=$3
        shift 3
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=755 tmpfs "$root/run"
        mount --bind "$packages" "$root/var/cache/apt/archives"
        exec chroot --userspec="$user:$user" "$root" "$@"' \
        enter "$root" "$packages" "$user" "$@" 8>&- 9>&-
}

# --- steps ----------------------------------------------------------------------------------------

now() {
    date +%s
}

failed=0
skipped=0

# row NAME RESULT SECONDS DETAIL
row() {
    printf '%-44s %-7s %5s s  %s\n' "$1" "$2" "$3" "$4" | tee -a "$table"
}

# step RELEASE NAME ROOT USER SCRIPT: runs SCRIPT by sh in the tree, as one row.
step() {
    log=$logs/fresh-$1-$(echo "$2" | tr -cs 'A-Za-z0-9\n' '-' | tr '\n' '-' | cut -c 1-60).log
    start=$(now)
    home=/root
    [ "$4" = root ] || home=/home/$4
    enter "$1" "$3" "$4" "$home/pollux" sh -euc "$5" > "$log" 2>&1 < /dev/null
    code=$?
    seconds=$(($(now) - start))
    case $code in
    0) row "$1: $2" passed "$seconds" "$(tail -n 1 "$log" | cut -c 1-60)" ;;
    77)
        skipped=$((skipped + 1))
        row "$1: $2" "not run" "$seconds" "$(tail -n 1 "$log" | cut -c 1-60)"
        ;;
    *)
        failed=$((failed + 1))
        tail -n 60 "$log"
        row "$1: $2" FAILED "$seconds" "exit code $code; see $log"
        ;;
    esac
}

# A user who wants the library alone: README.md, "The library alone".
# shellcheck disable=SC2016
bare='
    cmake -B build && cmake --build build && cmake --install build --prefix "$HOME/pollux-installed"
    cmake -S tests/consumers/find_package -B consumer -DCMAKE_PREFIX_PATH="$HOME/pollux-installed"
    cmake --build consumer
    consumer/consumer'
# shellcheck disable=SC2016
bare_windows='
    cmake -B build --toolchain ci/toolchains/x86_64-w64-mingw32.cmake
    cmake --build build && cmake --install build --prefix "$HOME/pollux-installed"
    cmake -S tests/consumers/find_package -B consumer \
        --toolchain "$PWD/ci/toolchains/x86_64-w64-mingw32.cmake" \
        -Dpollux_DIR="$HOME/pollux-installed/lib/cmake/pollux"
    cmake --build consumer
    ls -l consumer/consumer.exe'
demo='sh ci/demo.sh --seconds 1
    sh ci/expect-backends.sh --running build/release/pollux poll select epoll uring libuv'

# logs_take RELEASE: what the tree's own scripts have logged there.
logs_take() {
    rm -rf "$logs/fresh-$1-logs"
    [ ! -d "$work/$1-root/root/pollux/build/logs" ] ||
        cp -r "$work/$1-root/root/pollux/build/logs" "$logs/fresh-$1-logs"
}

readme_run() {
    step "$1" "library alone, bare compiler" "$work/$1-root" root "
        sh ci/packages.sh gcc libc6-dev make cmake
        $bare"
    step "$1" "demo.sh as root" "$work/$1-root" root "rm -rf build consumer; $demo"
    root_make "$1" "$work/$1-user"
    step "$1" "demo.sh as a user with sudo" "$work/$1-user" visitor "$demo"
    rm -rf "$work/$1-user"
    [ "$demo_only" = no ] || return 0
    root_make "$1" "$work/$1-windows"
    step "$1" "library alone, for Windows" "$work/$1-windows" root "
        sh ci/packages.sh gcc-mingw-w64-x86-64-win32 make cmake
        $bare_windows"
    rm -rf "$work/$1-windows"
    step "$1" "test.sh" "$work/$1-root" root "sh ci/test.sh"
}

release_run() {
    if ! base_make "$1"; then
        skipped=$((skipped + 1))
        why=$(grep -m 1 '^E:' "$logs/fresh-$1-base.log" | cut -c 1-60)
        row "$1" "not run" 0 "no base root from $mirror: $why"
        return
    fi
    if ! root_make "$1" "$work/$1-root"; then
        failed=$((failed + 1))
        row "$1" FAILED 0 "the root cannot be unpacked or entered"
        return
    fi
    if [ -n "$command" ]; then
        step "$1" "$(echo "$command" | head -n 1 | cut -c 1-30)" "$work/$1-root" root "$command"
    else
        readme_run "$1"
    fi
    logs_take "$1"
    enter "$1" "$work/$1-root" root /root apt-get autoclean -qq
    rm -rf "$work/$1-root"
}

for release in $releases; do
    # One run at a time for each release: apt locks its cache of packages, and does not wait.
    exec 9> "$cache/$release-lock"
    flock -n 9 || {
        echo "fresh: waiting for another run on $release"
        flock 9
    }
    release_run "$release"
    exec 9>&-
done

echo
cat "$table"
if [ "$failed" -gt 0 ]; then
    echo "fresh: $failed of the above failed"
    exit 1
fi
if [ "$skipped" -gt 0 ]; then
    echo "fresh: not run: $skipped of the above"
    exit 77
fi
echo "fresh: everything passed"
