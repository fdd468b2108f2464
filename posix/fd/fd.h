/* posix/fd/fd.h - open files, the descriptors that stand for them, and the threads that wait for
 * them.
 *
 * This folder knows no kind of file. The folder that implements a kind defines a table of
 * operations for it, a plx__file_kind. Where this folder needs a higher one, it calls a function of
 * plx__fd_hook.
 */
#ifndef PLX__POSIX_FD_H
#define PLX__POSIX_FD_H

#include "posix/base/base.h"

#define PLX__DESCRIPTORS_MAX 65536

/* --- open files (file.c) -------------------------------------------------------------------- */

typedef struct plx__file plx__file;
typedef struct plx__poll_item plx__poll_item;

/* Requests of ioctl() that kinds answer. */
#define PLX__FIONREAD   0x4004667f
#define PLX__SIOCATMARK 0x40047307
#define PLX__TIOCGWINSZ 0x5413

/* The operations of one kind of open file. They return -EAGAIN and do not wait, but for disks,
 * consoles, and kinds with `waits`. NULL: the kind has no such operation. */
typedef struct plx__file_kind {
    unsigned mode; /* S_IF... */
    bool waits;    /* `read` and `write` wait themselves, unless the file is non-blocking. */
    bool ticks;    /* Nobody tells when it becomes ready: it has to be looked at again. */
    ptrdiff_t (*read)(plx__file *file, void *bytes, size_t size);
    ptrdiff_t (*write)(plx__file *file, const void *bytes, size_t size);
    /* The events of poll() that are known without asking the system. */
    unsigned (*ready)(plx__file *file);
    /* For a SOCKET, which plx__poll() waits for: the system's events to ask for when the program
     * asks for `events`, and the system's answer as events of poll(). NULL: `ready` knows all. */
    SHORT (*interest)(plx__file *file, unsigned events);
    unsigned (*answer)(plx__file *file, SHORT revents);
    void (*close)(plx__file *file);
    /* When it becomes ready by itself, by plx__clock_now(); PLX_FOREVER: never. NULL: never. */
    uint64_t (*due)(plx__file *file);
    /* Of what stands for others (epoll.c): who is to be asked in its stead, up to `room` of them,
     * each with a reference. How many there are. NULL: it speaks for itself. */
    size_t (*members)(plx__file *file, plx__poll_item *items, size_t room);
    uint32_t (*version)(plx__file *file); /* Of its list of those. */
    /* ioctl(), but for FIONBIO: 0 or a negative errno. -ENOTTY: the kind does not know the request.
     * NULL: it knows none. */
    int (*control)(plx__file *file, unsigned long request, void *argument);
    /* fcntl() with a struct flock. NULL: files of the kind cannot be locked (-EBADF). */
    int (*lock)(plx__file *file, int command, void *lock);
} plx__file_kind;

/* An open file description: what descriptors that were made with dup() share. */
struct plx__file {
    const plx__file_kind *kind;
    plx__atomic_u32 references;
    plx__atomic_u32 waiters; /* Threads that wait for it now. */
    plx__atomic_u32 flags;   /* O_ACCMODE, O_NONBLOCK, O_APPEND. */
    plx__atomic_u32 reads;   /* Calls that took something from it, or tried. */
    plx__atomic_u32 writes;
    plx__atomic_u32 pumps; /* Streams of the C library that take from it. */
    plx__atomic_u32 sets;  /* Entries of epoll sets that stand for it. */
    plx__atomic_u32 slots; /* Descriptors that stand for it (table.c). */
    bool is_quiet;         /* EPIPE of write() brings no SIGPIPE: a socket for datagrams. */
    void *handle;          /* A SOCKET or a HANDLE, if it has one. */
    void *data;            /* The kind's own. */
};

/* One reference, which is the caller's. NULL without memory. */
plx__file *plx__file_make(const plx__file_kind *kind, unsigned flags);
void plx__file_take(plx__file *file);
/* For who knows that its memory is there, and holds no reference: false when no descriptor stands
 * for it, or it is not to be used now (plx__fd_idle_do). */
bool plx__file_try_take(plx__file *file);
/* Whether it was the last, and the file has closed. */
bool plx__file_put(plx__file *file);

static inline bool plx__file_is_nonblocking(plx__file *file)
{
    return (plx__atomic_load_acquire(&file->flags) & PLX__O_NONBLOCK) != 0;
}

/* --- calls of higher folders ---------------------------------------------------------------- */

/* process/start.c fills this in before any constructor of the program runs. It does not change
 * afterwards, and no member is NULL. */
typedef struct plx__fd_hooks {
    void (*start)(void); /* See plx__start(). */
    /* Removes a file without references from all epoll sets (io/epoll.c). */
    void (*forget)(plx__file *file);
    /* A file in epoll sets has lost a reference or has a new descriptor: wakes the threads that
     * wait for those sets, so that they look again. The pointer is compared only. */
    void (*recheck)(const void *file);
    /* See plx__file_hold() (stdio/pump.c). */
    void (*hold)(plx__file *file);
    void (*release)(plx__file *file);
    /* Points the C library's stream of this number (0 to 2) to the file; NULL: to nothing. */
    void (*follow)(int fd, plx__file *file);
    /* A descriptor has been closed: if it has a stream, that stream fails from now on. */
    void (*leave)(int fd);
    /* The calling thread ends: drops the signals that were sent to it alone (signal_queue.c). */
    void (*thread_end)(void);
} plx__fd_hooks;

extern plx__fd_hooks plx__fd_hook;

/* Call it before anything that needs sockets or descriptors. The process's first call starts the
 * system's sockets, and opens 0 to 2 over the handles that the process was given. */
static inline void plx__start(void)
{
    plx__fd_hook.start();
}

/* Around taking or asking what there is to take: streams look at what there is before it is theirs,
 * and let go of that in between. */
static inline bool plx__file_hold(plx__file *file)
{
    bool is_pumped = plx__atomic_load_acquire(&file->pumps) != 0;
    if (is_pumped)
        plx__fd_hook.hold(file);
    return is_pumped;
}

static inline void plx__file_release(plx__file *file, bool is_held)
{
    if (is_held)
        plx__fd_hook.release(file);
}

/* --- descriptors (table.c) ------------------------------------------------------------------ */

/* The open file with one reference for the caller, or NULL. */
plx__file *plx__fd_get(int fd);
/* Takes the caller's reference. The lowest free number from `lowest` on, or -EMFILE, -EINVAL: the
 * reference is gone then too. */
int plx__fd_add(plx__file *file, int lowest, bool is_cloexec);
/* A number that is taken and not yet open, as accept() needs one before it takes a connection. */
int plx__fd_reserve(int lowest);
/* Opens it, with the caller's reference; or, without a file, gives it back. */
void plx__fd_fill(int fd, plx__file *file, bool is_cloexec);
/* Takes the caller's reference, closes what was there. `fd`, -EBADF, or -EBUSY if reserved. */
int plx__fd_put(int fd, plx__file *file, bool is_cloexec);
int plx__fd_close(int fd);
int plx__fd_cloexec(int fd);
int plx__fd_cloexec_set(int fd, bool is_cloexec);
/* Calls `act` while no thread can get at these two (or one, and NULL); unless one has a reference
 * to them now beside those of descriptors and of `held`: then false. */
bool plx__fd_idle_do(plx__file *const files[2], plx__file *const *held, int count,
                     void (*act)(void *), void *data);
/* Above all that are open. */
int plx__fd_end(void);
uint32_t plx__fd_limit(void);
int plx__fd_limit_set(uint32_t limit);

/* --- threads that wait (waiters.c) ---------------------------------------------------------- */

struct plx__poll_item {
    plx__file *file; /* NULL: not asked about. */
    unsigned events;
    unsigned revents;
    uint32_t version; /* Not 0: POLLRDBAND is said when it is another. */
};

/* What a thread has of its own here: made when it first waits, gone when it ends. */
typedef struct plx__waiter {
    plx__wake wake; /* Made with the first wait that needs it. */
    plx__atomic_u32 is_woken;
    plx__file *only; /* The one file that it waits for; NULL: any. */
    struct plx__waiter *next;
    struct plx__waiter *previous;
    plx__poll_item *items; /* While it waits. */
    size_t count;
    bool is_listed;
    plx__sigset mask;         /* What it blocks meanwhile. */
    plx__poll_entry *entries; /* Scratch. */
    size_t room;
    bool waits_for_event; /* Is woken by an event instead of the wake (socket/receive.c). */
    HANDLE events[2];     /* A receive's own, and that. */
} plx__waiter;

/* This thread's; NULL without memory. */
plx__waiter *plx__waiter_get(void);
/* In between, whoever changes the state of `only` (NULL: of any file) wakes it. `mask`: the signals
 * that the thread blocks. */
void plx__waiter_enter(plx__waiter *waiter, plx__file *only, plx__sigset mask);
void plx__waiter_leave(plx__waiter *waiter);
/* The file's state has changed: those who wait for it look again. */
void plx__file_notify(plx__file *file);
/* All waiting threads look again: a signal has come. */
void plx__wait_wake_all(void);
/* Whether some thread waits that does not block these signals, and so is about to take them. */
bool plx__wait_takes(plx__sigset signals);
/* A handler that ran inside a wait of this thread jumps out of it: lets go of what was held. */
void plx__wait_abandon(void);

#endif
