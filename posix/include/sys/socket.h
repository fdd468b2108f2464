/* sys/socket.h - sockets.
 *
 * Families, types, options and flags that Winsock has too carry Winsock's numbers, so that the
 * layer hands addresses and options on as they are; the others are the layer's own.
 */
#ifndef PLX_POSIX_SYS_SOCKET_H
#define PLX_POSIX_SYS_SOCKET_H

#include <time.h>

#include <plx_posix/base.h>
#include <sys/uio.h>

#define AF_UNSPEC 0
#define AF_UNIX   1
#define AF_LOCAL  AF_UNIX
#define AF_INET   2
#define AF_INET6  23
#define PF_UNSPEC AF_UNSPEC
#define PF_UNIX   AF_UNIX
#define PF_LOCAL  AF_UNIX
#define PF_INET   AF_INET
#define PF_INET6  AF_INET6

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK  0x800
#define SOCK_CLOEXEC   0x80000

#define SOL_SOCKET    0xffff
#define SO_DEBUG      0x0001
#define SO_ACCEPTCONN 0x0002
#define SO_REUSEADDR  0x0004
#define SO_KEEPALIVE  0x0008
#define SO_DONTROUTE  0x0010
#define SO_BROADCAST  0x0020
#define SO_LINGER     0x0080
#define SO_OOBINLINE  0x0100
#define SO_REUSEPORT  0x0200
#define SO_SNDBUF     0x1001
#define SO_RCVBUF     0x1002
#define SO_SNDLOWAT   0x1003
#define SO_RCVLOWAT   0x1004
#define SO_SNDTIMEO   0x1005
#define SO_RCVTIMEO   0x1006
#define SO_ERROR      0x1007
#define SO_TYPE       0x1008
#define SO_DOMAIN     0x2001
#define SO_PROTOCOL   0x2002
#define SO_PEERCRED   0x2003
#define SOMAXCONN     4096

#define MSG_OOB          0x1
#define MSG_PEEK         0x2
#define MSG_DONTROUTE    0x4
#define MSG_WAITALL      0x8
#define MSG_TRUNC        0x100
#define MSG_CTRUNC       0x200
#define MSG_DONTWAIT     0x10000
#define MSG_NOSIGNAL     0x20000
#define MSG_MORE         0x40000
#define MSG_CMSG_CLOEXEC 0x80000
#define MSG_EOR          0x100000
#define MSG_CONFIRM      0x200000
#define MSG_WAITFORONE   0x400000

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2

#define SCM_RIGHTS 1

typedef unsigned short sa_family_t;

struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};

struct sockaddr_storage {
    sa_family_t ss_family;
    char plx_posix_padding[6];
    uint64_t plx_posix_rest[15];
};

struct linger {
    int l_onoff;
    int l_linger;
};

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    size_t msg_iovlen;
    void *msg_control;
    size_t msg_controllen;
    int msg_flags;
};

struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};

struct cmsghdr {
    size_t cmsg_len;
    int cmsg_level;
    int cmsg_type;
};

struct ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

#define CMSG_ALIGN(length) (((length) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define CMSG_LEN(length)   (sizeof(struct cmsghdr) + (length))
#define CMSG_SPACE(length) (sizeof(struct cmsghdr) + CMSG_ALIGN(length))
#define CMSG_DATA(message) ((unsigned char *)((struct cmsghdr *)(message) + 1))
#define CMSG_FIRSTHDR(header)                                                                      \
    ((header)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(header)->msg_control  \
                                                        : (struct cmsghdr *)0)
#define CMSG_NXTHDR(header, message) plx_posix_cmsg_next((header), (message))

static __inline struct cmsghdr *plx_posix_cmsg_next(struct msghdr *header, struct cmsghdr *message)
{
    unsigned char *next = (unsigned char *)message + CMSG_ALIGN(message->cmsg_len);
    unsigned char *end = (unsigned char *)header->msg_control + header->msg_controllen;
    if (message->cmsg_len < sizeof(struct cmsghdr) || next > end ||
        (size_t)(end - next) < sizeof(struct cmsghdr))
        return (struct cmsghdr *)0;
    return (struct cmsghdr *)(void *)next;
}

PLX_POSIX_BEGIN

int socket(int family, int type, int protocol) PLX_POSIX_CALL(socket);
int sockatmark(int fd) PLX_POSIX_NEW(sockatmark);
int socketpair(int family, int type, int protocol, int fds[2]) PLX_POSIX_NEW(socketpair);
int bind(int fd, const struct sockaddr *address, socklen_t length) PLX_POSIX_CALL(bind);
int listen(int fd, int backlog) PLX_POSIX_CALL(listen);
int accept(int fd, struct sockaddr *address, socklen_t *length) PLX_POSIX_CALL(accept);
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) PLX_POSIX_NEW(accept4);
int connect(int fd, const struct sockaddr *address, socklen_t length) PLX_POSIX_CALL(connect);
int shutdown(int fd, int how) PLX_POSIX_CALL(shutdown);
int getsockname(int fd, struct sockaddr *address, socklen_t *length) PLX_POSIX_CALL(getsockname);
int getpeername(int fd, struct sockaddr *address, socklen_t *length) PLX_POSIX_CALL(getpeername);
int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
    PLX_POSIX_CALL(getsockopt);
int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
    PLX_POSIX_CALL(setsockopt);
ssize_t send(int fd, const void *bytes, size_t length, int flags) PLX_POSIX_CALL(send);
ssize_t recv(int fd, void *bytes, size_t size, int flags) PLX_POSIX_CALL(recv);
ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
               socklen_t address_length) PLX_POSIX_CALL(sendto);
ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *address,
                 socklen_t *address_length) PLX_POSIX_CALL(recvfrom);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) PLX_POSIX_NEW(sendmsg);
ssize_t recvmsg(int fd, struct msghdr *message, int flags) PLX_POSIX_NEW(recvmsg);
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
    PLX_POSIX_NEW(sendmmsg);
int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
             struct timespec *timeout) PLX_POSIX_NEW(recvmmsg);

PLX_POSIX_END
#endif
