/* platform/unix/socket_path.c - the files that Unix-domain listeners have in the file system.
 *
 * A file is known by its device and inode, and is removed only while it still is the listener's.
 * The number cannot be another file's by then: the kernel holds the inode for as long as the socket
 * that is bound to it is open (Linux: net/unix/af_unix.c, unix_bind_bsd), and core removes the file
 * before it closes the socket.
 *
 * Two servers that start at one path take turns by a lock of its directory (flock(2)). Without it,
 * each might take the other for dead: one that is bound and does not listen yet refuses connections
 * as a dead one does.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <pollux/loop.h>

#include "platform/fault.h"
#include "platform/hook.h"
#include "platform/os.h"

/* How long a starting server waits for another one. A lock is held for five system calls, unless
 * it is somebody's who uses the directory's lock for something else. */
#define LOCK_WAIT_NS PLX_SECOND

/* On Linux the sockets of a process that was killed outlive it by some ms while io_uring has
 * requests for them, and take connections that are dropped then. */
#ifdef __linux__
#define OUTLIVED_NS (100 * PLX_MILLISECOND)
#else
#define OUTLIVED_NS 0
#endif

struct plx__socket_path {
    bool is_known; /* Which file it is: */
    dev_t device;
    ino_t inode;
    mode_t mode; /* That it is to have; 0: any. */
    char path[]; /* Absolute, if the present directory has a name. */
};

/* A relative path names something else once the process has changed its directory. */
static plx__socket_path *path_open(const char *name)
{
    char directory[PATH_MAX];
    bool is_relative = name[0] != '/' && getcwd(directory, sizeof directory) != NULL;
    size_t size = strlen(name) + 1 + (is_relative ? strlen(directory) + 1 : 0);
    plx__socket_path *opened = plx__allocate(sizeof *opened + size);
    if (opened == NULL)
        return NULL;
    opened->is_known = false;
    if (is_relative)
        (void)snprintf(opened->path, size, "%s/%s", directory, name);
    else
        (void)snprintf(opened->path, size, "%s", name);
    return opened;
}

static int directory_open(plx__socket_path *path)
{
    char *slash = strrchr(path->path, '/');
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR)) {
        errno = EMFILE;
        return -1;
    }
    if (slash == NULL)
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char after = slash[1];
    slash[1] = '\0';
    int opened = open(path->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    slash[1] = after;
    return opened;
}

/* 0, or why there can be no lock. `*directory_out` is the locked directory, or -1: it cannot be
 * read or locked, or somebody else has had it locked for the whole time. */
static int directory_lock(plx__socket_path *path, uint64_t timeout_ns, int *directory_out)
{
    int directory = directory_open(path);
    *directory_out = -1;
    if (directory < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? plx__fail_last() : 0;
    uint64_t until = plx__clock_now() + timeout_ns;
    while (flock(directory, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || plx__clock_now() >= until) {
            (void)close(directory);
            return 0;
        }
        (void)plx__poll(NULL, 0, PLX_MILLISECOND);
    }
    *directory_out = directory;
    return 0;
}

static void directory_unlock(int directory)
{
    if (directory < 0)
        return;
    /* A child that was forked meanwhile has the descriptor too; this ends the lock for it as well.
     */
    (void)flock(directory, LOCK_UN);
    (void)close(directory);
}

/* Whether whoever has taken the connection drops it soon. */
static bool is_dropped(plx_socket probe, uint64_t until)
{
    plx__poll_entry entry = {.fd = probe, .events = PLX__POLL_READ};
    uint64_t now = plx__clock_now();
    return now < until && plx__poll(&entry, 1, until - now) > 0 && (entry.revents & POLLHUP) != 0;
}

/* 0: nobody listens there, and nobody is about to. When somebody has taken the connection,
 * `*taken_out` is that, and the caller closes it. */
static int probe_dead(const plx__address *address, plx_socket *taken_out)
{
    plx_socket probe = PLX_SOCKET_NONE;
    int status = plx__socket_open(&probe, address->family);
    if (status != 0)
        return status;
    if (connect(probe, plx__address_raw_const(address), (socklen_t)address->length) == 0) {
        *taken_out = probe;
        return plx__fail(EADDRINUSE);
    }
    bool is_dead = errno == ECONNREFUSED;
    plx__socket_close(probe);
    return is_dead ? 0 : plx__fail(EADDRINUSE);
}

/* Removes a socket file that a dead server has left. What else there may be is in the way. */
static int leftover_remove(const plx__socket_path *path, const plx__address *address,
                           bool is_locked, plx_socket *taken_out)
{
    struct stat state;
    if (lstat(path->path, &state) != 0)
        return 0; /* bind() tells what is wrong, if it is more than that nothing is there. */
    if (!S_ISSOCK(state.st_mode) || !is_locked)
        return plx__fail(EADDRINUSE);
    int status = probe_dead(address, taken_out);
    if (status != 0)
        return status;
    return unlink(path->path) == 0 || errno == ENOENT ? 0 : plx__fail_last();
}

static void identity_read(plx__socket_path *path)
{
    struct stat state;
    if (lstat(path->path, &state) != 0 || !S_ISSOCK(state.st_mode))
        return;
    path->device = state.st_dev;
    path->inode = state.st_ino;
    path->is_known = true;
}

static bool identity_holds(const plx__socket_path *path)
{
    struct stat state;
    return path->is_known && lstat(path->path, &state) == 0 && S_ISSOCK(state.st_mode) &&
           state.st_dev == path->device && state.st_ino == path->inode;
}

/* Between bind() and listen(), when nobody can connect. The umask has no part in it, and a link
 * that somebody has put in the place of the file is not followed. glibc before 2.32, and later ones
 * without /proc, cannot promise the latter (EOPNOTSUPP): then the file is looked at before, and
 * only who may write to the directory could exchange it in between. */
static int mode_set(const plx__socket_path *path)
{
    if (path->mode == 0 || fchmodat(AT_FDCWD, path->path, path->mode, AT_SYMLINK_NOFOLLOW) == 0 ||
        (errno == EOPNOTSUPP && identity_holds(path) && chmod(path->path, path->mode) == 0))
        return 0;
    return plx__fail_last();
}

static int listen_locked(plx_socket socket, const plx__address *address, uint32_t backlog,
                         plx__socket_path *path, bool is_locked, plx_socket *taken_out)
{
    int status = leftover_remove(path, address, is_locked, taken_out);
    if (status == 0)
        status = plx__socket_bind(socket, address);
    if (status != 0)
        return status;
    identity_read(path);
    status = mode_set(path);
    plx__hook(PLX__HOOK_LISTEN);
    if (status == 0)
        status = plx__socket_listen(socket, backlog);
    if (status != 0 && identity_holds(path))
        (void)unlink(path->path);
    return status;
}

/* Waits without the lock for a connection to be dropped, or others that start at paths of the
 * directory would wait for that, too. The time counts from the first connection: before that the
 * lock may have taken longer. */
static int listen_in_turn(plx_socket socket, const plx__address *address, uint32_t backlog,
                          plx__socket_path *path)
{
    uint64_t until = 0;
    bool is_asked_again;
    int status;
    do {
        plx_socket taken = PLX_SOCKET_NONE;
        int directory;
        status = directory_lock(path, LOCK_WAIT_NS, &directory);
        if (status != 0)
            return status;
        status = listen_locked(socket, address, backlog, path, directory >= 0, &taken);
        directory_unlock(directory);
        if (until == 0)
            until = plx__clock_now() + OUTLIVED_NS;
        is_asked_again = taken != PLX_SOCKET_NONE && is_dropped(taken, until);
        plx__socket_close(taken);
    } while (is_asked_again);
    return status;
}

int plx__socket_path_listen(plx_socket socket, const plx__address *address, uint32_t backlog,
                            uint32_t mode, plx__socket_path **path_out)
{
    plx__socket_path *path = path_open(plx__address_path(address));
    *path_out = NULL;
    if (path == NULL)
        return PLX_ENOMEM;
    path->mode = (mode_t)mode;
    int status = listen_in_turn(socket, address, backlog, path);
    if (status != 0)
        plx__free(path);
    else
        *path_out = path;
    return status;
}

void plx__socket_path_remove(plx__socket_path *path)
{
    int directory;
    /* With the lock, if it is free, nobody can put another file there between the two calls. */
    if (directory_lock(path, 0, &directory) != 0)
        directory = -1;
    if (identity_holds(path))
        (void)unlink(path->path);
    directory_unlock(directory);
    plx__free(path);
}

void plx__socket_path_forget(plx__socket_path *path)
{
    plx__free(path);
}
