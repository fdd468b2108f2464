/* posix/socket/socket.h - sockets of the system as open files. */
#ifndef PLX__POSIX_SOCKET_H
#define PLX__POSIX_SOCKET_H

#include <pollux/loop.h> /* plx_os_error() */

#include "posix/pipe/pipe.h"

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
typedef struct plx__socket {
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
} plx__socket;

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

/* --- control messages (control.c) ----------------------------------------------------------- */

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

/* --- making, naming, connecting (socket.c, connect.c) --------------------------------------- */

/* Makes an open file of a socket of the system's, which it owns from then on. NULL without memory.
 */
plx__file *plx__socket_wrap(SOCKET socket, int family, int type, int protocol, unsigned flags);
/* -EBADF, -ENOTSOCK or 0 with a reference in `*file_out`. */
int plx__socket_get(int fd, plx__file **file_out);
/* How a connect that was under way has ended; sets state and error. */
void plx__socket_update(plx__file *file);
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
/* The same address for the functions of platform/. Call it after plx__address_check(). */
void plx__address_take(plx__address *address_out, const struct sockaddr *from, plx__socklen length);
/* Receives from a stream that is connected, and waits for it in the same call of the system: 0 with
 * a count or the system's code in `*count_out` or `*os_code_out`, or -EINTR, -EAGAIN at the
 * deadline, -ENOMEM. */
int plx__receive_wait(plx__file *file, void *bytes, size_t size, uint64_t deadline, int *count_out,
                      int *os_code_out);
/* Copies an address out as POSIX does: cut off if need be, with its whole length. */
void plx__address_give(const void *from, int length, void *to, plx__socklen *length_to);
/* What poll() says of a socket (readiness.c): see plx__file_kind. */
unsigned plx__socket_ready(plx__file *file);
SHORT plx__socket_interest(plx__file *file, unsigned events);
unsigned plx__socket_answer(plx__file *file, SHORT revents);
/* Requests of ioctl() (socket_option.c). */
int plx__socket_control(plx__file *file, unsigned long request, void *argument);
/* Turns both ends of a pair into sockets of the system's, for a child that is given one. `held`:
 * the caller's own references. 0, -EBUSY: somebody is using one now, -EOPNOTSUPP: datagrams, or
 * without memory or sockets (pair_share.c). */
int plx__pair_share(plx__file *file, plx__file *const *held, int count);

/* A request of ioctl() about interfaces, of any socket: 0, or a negative errno; -ENOTTY if it is
 * none (interfaces.c). */
int plx__interface_ioctl(unsigned long request, void *argument);

#endif
