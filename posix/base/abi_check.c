/* posix/base/abi_check.c - that abi.h and the headers of programs agree. It compiles, or not.
 */
#include "posix/base/abi.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define SAME(name, value) _Static_assert((long long)(name) == (value), #name);
PLX__ABI(SAME)
PLX__ABI_SHARED(SAME)

#define SIZE(left, right) _Static_assert(sizeof(left) == sizeof(right), "as large")
#define MEMBER(left, one, right, other)                                                            \
    _Static_assert(offsetof(left, one) == offsetof(right, other) &&                                \
                       sizeof(((left *)0)->one) == sizeof(((right *)0)->other),                    \
                   "the same member")

SIZE(struct pollfd, plx__pollfd);
MEMBER(struct pollfd, revents, plx__pollfd, revents);
SIZE(struct timeval, plx__timeval);
MEMBER(struct timeval, tv_usec, plx__timeval, microseconds);
SIZE(struct iovec, plx__iovec);
MEMBER(struct iovec, iov_len, plx__iovec, length);
SIZE(struct ifreq, plx__ifreq);
MEMBER(struct ifreq, ifr_ifru, plx__ifreq, value);
SIZE(struct ifconf, plx__ifconf);
MEMBER(struct ifconf, ifc_ifcu, plx__ifconf, requests);
SIZE(struct linger, plx__linger);
SIZE(struct msghdr, plx__msghdr);
MEMBER(struct msghdr, msg_iovlen, plx__msghdr, parts_count);
MEMBER(struct msghdr, msg_controllen, plx__msghdr, control_length);
MEMBER(struct msghdr, msg_flags, plx__msghdr, flags);
SIZE(struct cmsghdr, plx__cmsghdr);
MEMBER(struct cmsghdr, cmsg_type, plx__cmsghdr, type);
SIZE(struct tcp_info, plx__tcp_report);
MEMBER(struct tcp_info, tcpi_rtt, plx__tcp_report, rtt);
MEMBER(struct tcp_info, tcpi_total_retrans, plx__tcp_report, total_retrans);
SIZE(struct addrinfo, plx__addrinfo);
MEMBER(struct addrinfo, ai_addr, plx__addrinfo, address);
MEMBER(struct addrinfo, ai_canonname, plx__addrinfo, canonical_name);
SIZE(struct hostent, plx__hostent);
MEMBER(struct hostent, h_length, plx__hostent, length);
SIZE(struct servent, plx__servent);
MEMBER(struct servent, s_port, plx__servent, port);
SIZE(struct protoent, plx__protoent);
SIZE(struct dirent, plx__dirent);
MEMBER(struct dirent, d_type, plx__dirent, type);
MEMBER(struct dirent, d_name, plx__dirent, name);
SIZE(struct stat, plx__stat);
MEMBER(struct stat, st_size, plx__stat, size);
MEMBER(struct stat, st_mtim, plx__stat, modified);
SIZE(sigset_t, plx__sigset);
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "as signalfd.c has it");
SIZE(posix_spawn_file_actions_t, plx__spawn_actions);
MEMBER(posix_spawn_file_actions_t, room, plx__spawn_actions, room);
SIZE(posix_spawnattr_t, plx__spawn_attributes);
MEMBER(posix_spawnattr_t, parameters, plx__spawn_attributes, priority);
_Static_assert(sizeof(struct epoll_event) == 16, "as epoll.c has it");
SIZE(socklen_t, plx__socklen);
_Static_assert(sizeof(fd_set) == FD_SETSIZE / 8, "one bit for each descriptor");
_Static_assert(sizeof(fd_mask) == 4, "as poll.c has it");
_Static_assert(sizeof(struct sockaddr_in) == 16, "as Winsock's");
_Static_assert(sizeof(struct sockaddr_in6) == 28, "as Winsock's");
_Static_assert(sizeof(struct sockaddr_storage) == 128, "as Winsock's");
_Static_assert(sizeof(struct tms) == 32, "as machine.c has it");
_Static_assert(sizeof(off_t) == 8, "large files");
