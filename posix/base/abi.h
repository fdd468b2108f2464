/* posix/base/abi.h - the numbers and structures that cross from programs into the layer.
 *
 * A file that speaks Winsock cannot include the POSIX headers of programs: both have a struct
 * pollfd, a timeval, an fd_set. It has them here under names of its own, and abi_check.c sees to it
 * that they are the same.
 */
#ifndef PLX__POSIX_ABI_H
#define PLX__POSIX_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PLX__ABI(X)                                                                                \
    X(POLLIN, 0x1)                                                                                 \
    X(POLLPRI, 0x2)                                                                                \
    X(POLLOUT, 0x4)                                                                                \
    X(POLLERR, 0x8)                                                                                \
    X(POLLHUP, 0x10)                                                                               \
    X(POLLNVAL, 0x20)                                                                              \
    X(POLLRDNORM, 0x40)                                                                            \
    X(POLLRDBAND, 0x80)                                                                            \
    X(POLLWRNORM, 0x100)                                                                           \
    X(POLLRDHUP, 0x2000)                                                                           \
    X(O_RDONLY, 0)                                                                                 \
    X(O_WRONLY, 1)                                                                                 \
    X(O_RDWR, 2)                                                                                   \
    X(O_ACCMODE, 3)                                                                                \
    X(O_APPEND, 0x8)                                                                               \
    X(O_CLOEXEC, 0x80)                                                                             \
    X(O_CREAT, 0x100)                                                                              \
    X(O_TRUNC, 0x200)                                                                              \
    X(O_EXCL, 0x400)                                                                               \
    X(O_NONBLOCK, 0x100000)                                                                        \
    X(O_SYNC, 0x200000)                                                                            \
    X(O_DIRECTORY, 0x400000)                                                                       \
    X(O_NOFOLLOW, 0x800000)                                                                        \
    X(O_ASYNC, 0x2000000)                                                                          \
    X(F_DUPFD, 0)                                                                                  \
    X(F_GETFD, 1)                                                                                  \
    X(F_SETFD, 2)                                                                                  \
    X(F_GETFL, 3)                                                                                  \
    X(F_SETFL, 4)                                                                                  \
    X(F_GETLK, 5)                                                                                  \
    X(F_SETLK, 6)                                                                                  \
    X(F_SETLKW, 7)                                                                                 \
    X(F_SETOWN, 8)                                                                                 \
    X(F_GETOWN, 9)                                                                                 \
    X(F_DUPFD_CLOEXEC, 1030)                                                                       \
    X(FD_CLOEXEC, 1)                                                                               \
    X(F_RDLCK, 0)                                                                                  \
    X(F_WRLCK, 1)                                                                                  \
    X(F_UNLCK, 2)                                                                                  \
    X(SOCK_STREAM, 1)                                                                              \
    X(SOCK_DGRAM, 2)                                                                               \
    X(SOCK_RAW, 3)                                                                                 \
    X(SOCK_SEQPACKET, 5)                                                                           \
    X(SOCK_NONBLOCK, 0x800)                                                                        \
    X(SOCK_CLOEXEC, 0x80000)                                                                       \
    X(SO_REUSEPORT, 0x200)                                                                         \
    X(SO_DOMAIN, 0x2001)                                                                           \
    X(SO_PROTOCOL, 0x2002)                                                                         \
    X(SO_PEERCRED, 0x2003)                                                                         \
    X(SCM_RIGHTS, 1)                                                                               \
    X(MSG_OOB, 0x1)                                                                                \
    X(MSG_PEEK, 0x2)                                                                               \
    X(MSG_DONTROUTE, 0x4)                                                                          \
    X(MSG_WAITALL, 0x8)                                                                            \
    X(MSG_TRUNC, 0x100)                                                                            \
    X(MSG_CTRUNC, 0x200)                                                                           \
    X(MSG_DONTWAIT, 0x10000)                                                                       \
    X(MSG_NOSIGNAL, 0x20000)                                                                       \
    X(MSG_MORE, 0x40000)                                                                           \
    X(MSG_CMSG_CLOEXEC, 0x80000)                                                                   \
    X(MSG_EOR, 0x100000)                                                                           \
    X(MSG_CONFIRM, 0x200000)                                                                       \
    X(MSG_WAITFORONE, 0x400000)                                                                    \
    X(IPV6_RECVPKTINFO, 0x2013)                                                                    \
    X(IPV6_RECVHOPLIMIT, 0x2014)                                                                   \
    X(TCP_CORK, 0x101)                                                                             \
    X(TCP_QUICKACK, 0x102)                                                                         \
    X(TCP_USER_TIMEOUT, 0x103)                                                                     \
    X(TCP_DEFER_ACCEPT, 0x104)                                                                     \
    X(TCP_INFO, 0x105)                                                                             \
    X(TCP_ESTABLISHED, 1)                                                                          \
    X(TCP_SYN_SENT, 2)                                                                             \
    X(TCP_SYN_RECV, 3)                                                                             \
    X(TCP_FIN_WAIT1, 4)                                                                            \
    X(TCP_FIN_WAIT2, 5)                                                                            \
    X(TCP_TIME_WAIT, 6)                                                                            \
    X(TCP_CLOSE, 7)                                                                                \
    X(TCP_CLOSE_WAIT, 8)                                                                           \
    X(TCP_LAST_ACK, 9)                                                                             \
    X(TCP_LISTEN, 10)                                                                              \
    X(TCP_CLOSING, 11)                                                                             \
    X(WNOHANG, 1)                                                                                  \
    X(WSTOPPED, 2)                                                                                 \
    X(WEXITED, 4)                                                                                  \
    X(WCONTINUED, 8)                                                                               \
    X(WNOWAIT, 0x01000000)                                                                         \
    X(POSIX_SPAWN_RESETIDS, 0x01)                                                                  \
    X(POSIX_SPAWN_SETPGROUP, 0x02)                                                                 \
    X(POSIX_SPAWN_SETSIGDEF, 0x04)                                                                 \
    X(POSIX_SPAWN_SETSIGMASK, 0x08)                                                                \
    X(POSIX_SPAWN_SETSCHEDPARAM, 0x10)                                                             \
    X(POSIX_SPAWN_SETSCHEDULER, 0x20)                                                              \
    X(POSIX_SPAWN_USEVFORK, 0x40)                                                                  \
    X(POSIX_SPAWN_SETSID, 0x80)                                                                    \
    X(SIGHUP, 1)                                                                                   \
    X(SIGQUIT, 3)                                                                                  \
    X(SIGKILL, 9)                                                                                  \
    X(SIGPIPE, 13)                                                                                 \
    X(SIGALRM, 14)                                                                                 \
    X(SIGCHLD, 17)                                                                                 \
    X(SIGCONT, 18)                                                                                 \
    X(SIGSTOP, 19)                                                                                 \
    X(SIGURG, 23)                                                                                  \
    X(SIGWINCH, 30)                                                                                \
    X(SIG_BLOCK, 0)                                                                                \
    X(SIG_UNBLOCK, 1)                                                                              \
    X(SIG_SETMASK, 2)                                                                              \
    X(SI_KERNEL, 0x80)                                                                             \
    X(SA_NOCLDWAIT, 0x2)                                                                           \
    X(SA_SIGINFO, 0x4)                                                                             \
    X(SA_RESTART, 0x10000000)                                                                      \
    X(SA_NODEFER, 0x40000000)                                                                      \
    X(DT_UNKNOWN, 0)                                                                               \
    X(DT_DIR, 4)                                                                                   \
    X(DT_REG, 8)                                                                                   \
    X(DT_SOCK, 12)                                                                                 \
    X(S_IFIFO, 0010000)                                                                            \
    X(S_IFCHR, 0020000)                                                                            \
    X(S_IFDIR, 0040000)                                                                            \
    X(S_IFREG, 0100000)                                                                            \
    X(S_IFSOCK, 0140000)

/* Numbers that programs and Winsock share, so that the layer need not translate them. */
#define PLX__ABI_SHARED(X)                                                                         \
    X(AF_UNSPEC, 0)                                                                                \
    X(AF_UNIX, 1)                                                                                  \
    X(AF_INET, 2)                                                                                  \
    X(AF_INET6, 23)                                                                                \
    X(SOL_SOCKET, 0xffff)                                                                          \
    X(SO_DEBUG, 1)                                                                                 \
    X(SO_ACCEPTCONN, 2)                                                                            \
    X(SO_REUSEADDR, 4)                                                                             \
    X(SO_KEEPALIVE, 8)                                                                             \
    X(SO_DONTROUTE, 0x10)                                                                          \
    X(SO_BROADCAST, 0x20)                                                                          \
    X(SO_LINGER, 0x80)                                                                             \
    X(SO_OOBINLINE, 0x100)                                                                         \
    X(SO_SNDBUF, 0x1001)                                                                           \
    X(SO_RCVBUF, 0x1002)                                                                           \
    X(SO_SNDLOWAT, 0x1003)                                                                         \
    X(SO_RCVLOWAT, 0x1004)                                                                         \
    X(SO_SNDTIMEO, 0x1005)                                                                         \
    X(SO_RCVTIMEO, 0x1006)                                                                         \
    X(SO_ERROR, 0x1007)                                                                            \
    X(SO_TYPE, 0x1008)                                                                             \
    X(IPPROTO_IP, 0)                                                                               \
    X(IPPROTO_ICMP, 1)                                                                             \
    X(IPPROTO_TCP, 6)                                                                              \
    X(IPPROTO_UDP, 17)                                                                             \
    X(IPPROTO_IPV6, 41)                                                                            \
    X(IPPROTO_ICMPV6, 58)                                                                          \
    X(IPPROTO_RAW, 255)                                                                            \
    X(IP_OPTIONS, 1)                                                                               \
    X(IP_HDRINCL, 2)                                                                               \
    X(IP_TOS, 3)                                                                                   \
    X(IP_TTL, 4)                                                                                   \
    X(IP_MULTICAST_IF, 9)                                                                          \
    X(IP_MULTICAST_TTL, 10)                                                                        \
    X(IP_MULTICAST_LOOP, 11)                                                                       \
    X(IP_ADD_MEMBERSHIP, 12)                                                                       \
    X(IP_DROP_MEMBERSHIP, 13)                                                                      \
    X(IP_PKTINFO, 19)                                                                              \
    X(IP_RECVTTL, 21)                                                                              \
    X(IP_RECVTOS, 40)                                                                              \
    X(IPV6_UNICAST_HOPS, 4)                                                                        \
    X(IPV6_MULTICAST_IF, 9)                                                                        \
    X(IPV6_MULTICAST_HOPS, 10)                                                                     \
    X(IPV6_MULTICAST_LOOP, 11)                                                                     \
    X(IPV6_ADD_MEMBERSHIP, 12)                                                                     \
    X(IPV6_DROP_MEMBERSHIP, 13)                                                                    \
    X(IPV6_PKTINFO, 19)                                                                            \
    X(IPV6_HOPLIMIT, 21)                                                                           \
    X(IPV6_V6ONLY, 27)                                                                             \
    X(IPV6_TCLASS, 39)                                                                             \
    X(IPV6_RECVTCLASS, 40)                                                                         \
    X(TCP_NODELAY, 1)                                                                              \
    X(AI_PASSIVE, 1)                                                                               \
    X(AI_CANONNAME, 2)                                                                             \
    X(AI_NUMERICHOST, 4)                                                                           \
    X(AI_NUMERICSERV, 8)                                                                           \
    X(AI_ALL, 0x100)                                                                               \
    X(AI_ADDRCONFIG, 0x400)                                                                        \
    X(AI_V4MAPPED, 0x800)                                                                          \
    X(NI_NOFQDN, 1)                                                                                \
    X(NI_NUMERICHOST, 2)                                                                           \
    X(NI_NAMEREQD, 4)                                                                              \
    X(NI_NUMERICSERV, 8)                                                                           \
    X(NI_DGRAM, 0x10)

#define PLX__ABI_CONSTANT(name, value) PLX__##name = (value),
enum plx__abi { PLX__ABI(PLX__ABI_CONSTANT) };
#undef PLX__ABI_CONSTANT

typedef unsigned int plx__socklen;
typedef uint64_t plx__sigset;

typedef struct plx__pollfd {
    int fd;
    short events;
    short revents;
} plx__pollfd;

typedef struct plx__timeval {
    int64_t seconds;
    long microseconds;
} plx__timeval;

typedef struct plx__iovec {
    void *bytes;
    size_t length;
} plx__iovec;

typedef struct plx__ifreq {
    char name[256];
    union {
        struct {
            uint16_t family;
            unsigned char bytes[14];
        } address;
        short flags;
        int number;
        void *data;
    } value;
} plx__ifreq;

typedef struct plx__ifconf {
    int length;
    plx__ifreq *requests;
} plx__ifconf;

typedef struct plx__linger {
    int is_on;
    int seconds;
} plx__linger;

typedef struct plx__msghdr {
    void *name;
    plx__socklen name_length;
    plx__iovec *parts;
    size_t parts_count;
    void *control;
    size_t control_length;
    int flags;
} plx__msghdr;

typedef struct plx__cmsghdr {
    size_t length;
    int level;
    int type;
} plx__cmsghdr;

typedef struct plx__tcp_report {
    uint8_t state;
    uint8_t ca_state;
    uint8_t retransmits;
    uint8_t probes;
    uint8_t backoff;
    uint8_t options;
    uint8_t window_scales;
    uint32_t rto;
    uint32_t ato;
    uint32_t snd_mss;
    uint32_t rcv_mss;
    uint32_t unacked;
    uint32_t sacked;
    uint32_t lost;
    uint32_t retrans;
    uint32_t fackets;
    uint32_t last_data_sent;
    uint32_t last_ack_sent;
    uint32_t last_data_recv;
    uint32_t last_ack_recv;
    uint32_t pmtu;
    uint32_t rcv_ssthresh;
    uint32_t rtt;
    uint32_t rttvar;
    uint32_t snd_ssthresh;
    uint32_t snd_cwnd;
    uint32_t advmss;
    uint32_t reordering;
    uint32_t rcv_rtt;
    uint32_t rcv_space;
    uint32_t total_retrans;
} plx__tcp_report;

typedef struct plx__addrinfo {
    int flags;
    int family;
    int socktype;
    int protocol;
    plx__socklen address_length;
    void *address;
    char *canonical_name;
    struct plx__addrinfo *next;
} plx__addrinfo;

typedef struct plx__hostent {
    char *name;
    char **aliases;
    int family;
    int length;
    char **addresses;
} plx__hostent;

typedef struct plx__servent {
    char *name;
    char **aliases;
    int port;
    char *protocol;
} plx__servent;

typedef struct plx__protoent {
    char *name;
    char **aliases;
    int number;
} plx__protoent;

typedef struct plx__dirent {
    uint64_t inode;
    int64_t offset; /* Of the next. */
    unsigned short length;
    unsigned char type;
    char name[768]; /* UTF-8 of 255 units of UTF-16. */
} plx__dirent;

typedef struct plx__stat {
    unsigned int device;
    uint64_t inode;
    unsigned int mode;
    unsigned int links;
    unsigned int user;
    unsigned int group;
    unsigned int special;
    int64_t size;
    long block_size;
    int64_t blocks;
    struct timespec accessed;
    struct timespec modified;
    struct timespec changed;
} plx__stat;

/* What posix_spawn() is asked to do with descriptors, as struct plx_posix_spawn_actions. */
typedef struct plx__spawn_actions {
    struct plx_posix_spawn_action *list;
    int count;
    int room;
} plx__spawn_actions;

typedef struct plx__spawn_attributes {
    int flags;
    int group;
    plx__sigset mask;
    plx__sigset defaults;
    int policy;
    int priority;
} plx__spawn_attributes;

#endif
