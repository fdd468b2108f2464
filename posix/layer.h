/* posix/layer.h - what the files of the POSIX layer share.
 *
 * Functions in here return 0 or a count, or a negative errno; only those that programs call, whose
 * names start with plx_posix_, set errno. Everything may be called from any thread.
 */
#ifndef PLX__POSIX_LAYER_H
#define PLX__POSIX_LAYER_H

#include "platform/os.h"

#include <errno.h>

#include "posix/abi.h"
#include "posix/include/plx_posix/errno.h"

/* What programs call, by the label that the POSIX headers give it. The prototypes are theirs. */
#define PLX__CALL

#define PLX__DESCRIPTORS_MAX 65536

/* --- errors (errors.c) ---------------------------------------------------------------------- */

/* The negative errno for a code of Winsock or of Win32. */
int plx__errno_of(int os_code);
/* The same for the call that has just failed on this thread. */
int plx__errno_last(void);

char *plx_posix_strerror(int code);

/* Sets errno for a negative result and turns it into -1. */
static inline ptrdiff_t plx__answer(ptrdiff_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

static inline int plx__answer_int(ptrdiff_t result)
{
    return (int)plx__answer(result);
}

/* --- open files (file.c) -------------------------------------------------------------------- */

typedef struct plx__file plx__file;
typedef struct plx__poll_item plx__poll_item;
typedef struct plx__socket plx__socket;
typedef struct plx__rights plx__rights;

/* What can be done with a sort of open file. None of these waits, but for disks and consoles: they
 * say -EAGAIN. NULL stands for what cannot be done, and for sockets, which have calls of their own.
 */
typedef struct plx__file_kind {
    unsigned mode; /* S_IF... */
    ptrdiff_t (*read)(plx__file *file, void *bytes, size_t size);
    ptrdiff_t (*write)(plx__file *file, const void *bytes, size_t size);
    /* What poll() would say now. NULL for sockets, which the system is asked about. */
    unsigned (*ready)(plx__file *file);
    void (*close)(plx__file *file);
    /* When it becomes ready by itself, by plx__clock_now(); PLX_FOREVER: never. NULL: never. */
    uint64_t (*due)(plx__file *file);
    /* Of what stands for others (epoll.c): who is to be asked in its stead, up to `room` of them,
     * each with a reference. How many there are. NULL: it speaks for itself. */
    size_t (*members)(plx__file *file, plx__poll_item *items, size_t room);
    uint32_t (*version)(plx__file *file); /* Of its list of those. */
    bool ticks; /* Nobody tells when it becomes ready: it has to be looked at again. */
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
/* The last reference is gone: it leaves all epoll sets (epoll.c). */
void plx__epoll_forget(plx__file *file);
/* One is gone: threads that wait for sets with it let go of theirs, and look again. The pointer is
 * compared only. */
void plx__epoll_recheck(const void *file);
/* What write() does: all of it, unless the file is non-blocking. */
ptrdiff_t plx__file_write(plx__file *file, const void *bytes, size_t size);
/* Its state has changed: those who wait for it look again. */
void plx__file_notify(plx__file *file);

static inline bool plx__file_is_nonblocking(plx__file *file)
{
    return (plx__atomic_load_acquire(&file->flags) & PLX__O_NONBLOCK) != 0;
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
/* The process's first call of the layer: sockets start, 0 to 2 are what the process was given. */
void plx__layer_start(void);

/* --- waiting (wait.c) ----------------------------------------------------------------------- */

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
    bool waits_for_event; /* Is woken by an event instead of the wake (receive.c). */
    HANDLE events[2];     /* A receive's own, and that. */
} plx__waiter;

/* This thread's; NULL without memory. */
plx__waiter *plx__waiter_get(void);
/* In between, whoever changes the state of `only` (NULL: of any file) wakes it. */
void plx__waiter_enter(plx__waiter *waiter, plx__file *only);
void plx__waiter_leave(plx__waiter *waiter);

/* Waits until something is ready, `deadline` (of plx__clock_now) or a signal. How many are, or
 * -EINTR, -ENOMEM. `is_restarted`: handlers with SA_RESTART do not end it. */
int plx__wait(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted);
/* The same where some items stand for others (nested.c). */
int plx__wait_nested(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted);
static inline bool plx__item_is_nested(const plx__poll_item *item)
{
    return item->file != NULL && item->file->kind->members != NULL &&
           (item->events & (PLX__POLLIN | PLX__POLLRDNORM)) != 0;
}
/* The same for one file: 0, -EINTR, or -EAGAIN at the deadline. */
int plx__wait_for(plx__file *file, unsigned events, uint64_t deadline);
/* Nothing but time and signals: 0 at the deadline, or -EINTR. */
int plx__wait_until(uint64_t deadline);
/* All waiting threads look again: a signal has come. */
void plx__wait_wake_all(void);
/* Whether some thread waits that does not block these signals, and so is about to take them. */
bool plx__wait_takes(plx__sigset signals);
/* A handler that ran inside a wait of this thread jumps out of it: lets go of what was held. */
void plx__wait_abandon(void);
uint64_t plx__deadline_after(uint64_t timeout_ns);

/* --- messages (messages_io.c, control.c, rights.c) ------------------------------------------ */

/* Files that are passed along (rights.h), in the order of the bytes that they come with. */
typedef struct plx__rights_queue {
    plx__rights *first;
    plx__rights *last;
} plx__rights_queue;

#define PLX__CONTROL_BYTES 512 /* More than Winsock says of one datagram. */

/* What a receive tells beside the bytes. */
typedef struct plx__extras {
    int flags;          /* MSG_TRUNC, MSG_CTRUNC. */
    bool takes_control; /* Of a recvmsg(), which hands on what follows. */
    plx__rights *rights;
    size_t control_length; /* Of Winsock's control messages. */
    uint64_t control[PLX__CONTROL_BYTES / sizeof(uint64_t)];
} plx__extras;

/* What a message is to be sent with. */
typedef struct plx__control {
    int family;
    plx__rights *rights; /* Taken by who sends them. */
    bool has_source;
    unsigned interface_index; /* 0: any. */
    unsigned char source[16]; /* An in_addr or an in6_addr. */
    int hops;                 /* -1: the socket's. */
    int traffic_class;        /* Likewise. */
} plx__control;

/* Reads a program's control messages for this open socket. 0, or a negative errno with nothing in
 * `*control_out` that would have to be let go of. */
int plx__control_read(const plx__msghdr *message, plx__file *file, plx__control *control_out);
/* Tells a program what came along, and lets go of what it has no room for. */
void plx__control_give(plx__msghdr *message, plx__extras *extras, bool is_cloexec);
/* One datagram with what Winsock says of it; as recvfrom(), but for SOCKET_ERROR as the error. */
int plx__control_receive(SOCKET handle, void *bytes, int size, int flags,
                         struct sockaddr_storage *from, int *from_length, plx__extras *extras);
/* The same for sending; as sendto(). */
int plx__control_send(SOCKET handle, const void *bytes, int length, int flags,
                      const struct sockaddr *address, int address_length,
                      const plx__control *control);

/* --- sockets (socket.c, ...) ---------------------------------------------------------------- */

enum plx__socket_state {
    PLX__SOCKET_FRESH,
    PLX__SOCKET_CONNECTING,
    PLX__SOCKET_CONNECTED,
    PLX__SOCKET_FAILED, /* To connect. */
    PLX__SOCKET_LISTENING
};

enum plx__socket_mark {
    PLX__SHUT_RECEIVE = 1, /* shutdown(SHUT_RD). */
    PLX__SHUT_SEND = 2,
    PLX__MARK_BOUND = 4,
    PLX__MARK_REUSE = 8,     /* SO_REUSEADDR, as the program knows it. */
    PLX__MARK_RESET = 16,    /* A reset was met; once it was told, what follows is the end. */
    PLX__MARK_ENDED = 32,    /* The peer has shut its side. */
    PLX__MARK_UNTOLD = 64,   /* Connected since, which connect() has not said yet. */
    PLX__MARK_CONTROL = 128, /* It was asked to tell more of its datagrams. */
    PLX__MARK_SHARE = 256    /* SO_REUSEPORT, as the program knows it. */
};

/* Behind plx__file.data of a socket of the system's. */
struct plx__socket {
    int family; /* As the program asked. */
    int type;
    int protocol;
    plx__atomic_u32 state;
    plx__atomic_u32 marks;
    plx__atomic_u32 error;       /* What SO_ERROR says next; an errno. */
    uint64_t receive_timeout_ns; /* 0: none. */
    uint64_t send_timeout_ns;
    SRWLOCK lock; /* Over connecting. */
    void *local;  /* AF_UNIX: local.c's. */
};

extern const plx__file_kind plx__socket_kind;

static inline bool plx__file_is_socket(const plx__file *file)
{
    return file->kind == &plx__socket_kind;
}

static inline plx__socket *plx__socket_of(const plx__file *file)
{
    return file->data;
}

static inline SOCKET plx__socket_handle(const plx__file *file)
{
    return (SOCKET)file->handle;
}

/* Makes an open file of a socket of the system's, which it owns from then on. NULL without memory.
 */
plx__file *plx__socket_wrap(SOCKET socket, int family, int type, int protocol, unsigned flags);
/* -EBADF, -ENOTSOCK or 0 with a reference in `*file_out`. */
int plx__socket_get(int fd, plx__file **file_out);
/* How a connect that was under way has ended; sets state and error. */
void plx__socket_settle(plx__file *file);
/* A new SOCKET in the place of one that can be bound or connected no more. */
int plx__socket_renew(plx__file *file);
/* The error that SO_ERROR would tell, which is then told: a positive errno, or 0. */
int plx__socket_error_take(plx__file *file);
uint64_t plx__socket_deadline(const plx__file *file, bool is_send, bool is_nonblocking);
/* For the layer's own flags. Never waits where `flags` has MSG_DONTWAIT or the file does not. */
ptrdiff_t plx__socket_receive_from(plx__file *file, void *bytes, size_t size, int flags,
                                   void *address, plx__socklen *address_length,
                                   plx__extras *extras);
/* `control` may be NULL. */
ptrdiff_t plx__socket_send_to(plx__file *file, const void *bytes, size_t length, int flags,
                              const void *address, plx__socklen address_length,
                              plx__control *control);
/* send() in all its forms, for a socket or a pair; SIGPIPE comes with EPIPE. */
ptrdiff_t plx__file_send(plx__file *file, const void *bytes, size_t length, int flags,
                         const void *address, plx__socklen address_length, plx__control *control);
/* getsockopt(TCP_INFO), of a stream: 0, or -ENOPROTOOPT where the system does not tell. */
int plx__tcp_info(plx__file *file, void *value, plx__socklen *length);
/* A non-blocking SOCKET with what Linux's have by default, or INVALID_SOCKET. */
SOCKET plx__socket_handle_make(int family, int type, int protocol);
/* 0, or what Linux says of an address that is none for this socket. */
int plx__address_check(const plx__socket *socket, const struct sockaddr *address,
                       plx__socklen length);
/* Receives from a stream that is connected, and waits for it in the same call of the system: 0 with
 * a count or the system's code in `*count_out` or `*os_code_out`, or -EINTR, -EAGAIN at the
 * deadline, -ENOMEM. */
int plx__receive_wait(plx__file *file, void *bytes, size_t size, uint64_t deadline, int *count_out,
                      int *os_code_out);
/* Copies an address out as POSIX does: cut off if need be, with its whole length. */
void plx__address_give(const void *from, int length, void *to, plx__socklen *length_to);

/* A request of ioctl() about interfaces, of any socket: 0, or a negative errno; -ENOTTY if it is
 * none (interfaces.c). */
int plx__interface_ioctl(unsigned long request, void *argument);

/* --- channels (channel.c) ------------------------------------------------------------------- */

extern const plx__file_kind plx__pipe_kind;
extern const plx__file_kind plx__pair_kind;
/* Two ends within the process: pipe() (the reading end first) or socketpair(). 0 or -ENOMEM. */
int plx__channel_make(plx__file *ends_out[2], bool is_pair, int type, unsigned flags);
ptrdiff_t plx__channel_receive(plx__file *file, void *bytes, size_t size, int flags,
                               plx__extras *extras);
/* `*rights` (may be NULL) go with the first of the bytes, and are NULL then. */
ptrdiff_t plx__channel_send(plx__file *file, const void *bytes, size_t length, int flags,
                            plx__rights **rights);
int plx__channel_shutdown(plx__file *file, int how);
int plx__channel_type(const plx__file *file);
size_t plx__channel_waiting(plx__file *file);
/* Waits until what was written to pipes of children is in the system's hands. */
void plx__pipes_flush(void);

/* --- the console (console.c) ---------------------------------------------------------------- */

/* Whether there is a line (or, unless the console is in line mode, a key) to read. */
bool plx__console_has_input(HANDLE handle);
/* Waits for one. Bytes, 0 at the end of the input (Ctrl-Z), or a negative errno. */
ptrdiff_t plx__console_read(HANDLE handle, void *bytes, size_t size);

/* --- the disk and the console (disk.c) ------------------------------------------------------ */

extern const plx__file_kind plx__disk_kind;
extern const plx__file_kind plx__stream_kind;
extern const plx__file_kind plx__random_kind; /* /dev/random and /dev/urandom (paths.c). */
/* What open() does, without a descriptor (paths.c). */
int plx__file_open(const char *path, int flags, unsigned mode, plx__file **file_out);
/* The sort of open file that a handle is. NULL without memory. */
plx__file *plx__handle_wrap(HANDLE handle, unsigned flags);
/* Windows' form of a path, to be freed with plx__free; NULL and errno's code in `*error_out`. */
wchar_t *plx__path(const char *path, int *error_out);
/* What plx__errno_last() says of a call with that path; -ENOTDIR where it leads through a file. */
int plx__path_error(const wchar_t *path);

/* What fcntl() does with struct flock. */
int plx__lock_control(plx__file *file, int command, void *lock);

/* --- streams of the C library (stdio.c) ----------------------------------------------------- */

/* The stream of this number (0 to 2) goes where the file does; NULL: nowhere. */
void plx__stdio_follow(int fd, plx__file *file);
/* close() of a descriptor that may have a stream: that stream fails from now on. */
void plx__stdio_leave(int fd);
/* Before the process ends: what is in the streams is sent. */
void plx__stdio_flush(void);
/* The C library has 512 streams at most, if it is not told otherwise. */
void plx__stdio_start(void);

/* Around taking or asking what there is to take: streams look at what there is before it is theirs,
 * and let go of that in between (pump.c). */
void plx__pumps_hold(plx__file *file);
void plx__pumps_release(plx__file *file);

static inline bool plx__file_hold(plx__file *file)
{
    bool is_pumped = plx__atomic_load_acquire(&file->pumps) != 0;
    if (is_pumped)
        plx__pumps_hold(file);
    return is_pumped;
}

static inline void plx__file_release(plx__file *file, bool is_held)
{
    if (is_held)
        plx__pumps_release(file);
}

/* --- signals (signals.c) -------------------------------------------------------------------- */

enum { PLX__SIGNALS_HANDLED = 1, PLX__SIGNALS_NO_RESTART = 2 };
/* Runs the handlers of signals that wait and are not blocked on this thread. Bits of the above. */
unsigned plx__handlers_run(void);
/* Whether a program has asked for any signal at all. */
bool plx__signals_are_used(void);
/* EPIPE's companion, for the calling thread. */
void plx__signal_broken_pipe(void);
void plx__signal_post(int number);
/* How a signal came. */
typedef struct plx__signal_cause {
    int code;                        /* SI_... */
    void *value;                     /* A union sigval. */
    struct plx__timer_signal *timer; /* NULL: it is not of a timer (signal_queue.h). */
    int overrun;                     /* Of a timer's, when it is taken. */
} plx__signal_cause;
/* One of these that waits, which is then taken; 0: none does. */
int plx__signal_take(plx__sigset set, plx__signal_cause *cause_out);
/* The same as plx__signal_set(), with more of how it came. */
bool plx__signal_set_cause(int number, plx__signal_cause cause);
bool plx__signals_wait(plx__sigset set);
/* From now on the console's events are signals, also when nothing handles them. */
void plx__signals_connect(void);
/* The same in two steps: it is there, if anybody wants it; and somebody sees to it. */
bool plx__signal_set(int number);
void plx__signal_attend(int number);
plx__sigset plx__signals_mask(void);
/* Those that this process ignores, as a child of its does then. */
plx__sigset plx__signals_ignored(void);
/* What a child starts with. */
void plx__signals_inherit(plx__sigset mask, plx__sigset ignored);
/* Nobody is to be told of the ends of children: they are gone without a wait. */
bool plx__signals_drop_children(void);
void plx__signals_mask_set(plx__sigset mask);

#endif
