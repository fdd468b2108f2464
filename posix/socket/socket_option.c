/* posix/socket/socket_option.c - options: POSIX's types and meanings for Winsock's. */
#include "posix/base/duration.h"
#include "posix/socket/local.h"

#include <limits.h>
#include <string.h>

/* Not in every SDK (ws2ipdef.h). */
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif
#ifndef TCP_KEEPINTVL
#define TCP_KEEPINTVL 17
#endif
#ifndef TCP_MAXSEG
#define TCP_MAXSEG 4
#endif
#ifndef TCP_KEEPCNT
#define TCP_KEEPCNT 16
#endif
#ifndef IP_RECVTTL
#define IP_RECVTTL 21
#endif
#ifndef IP_RECVTOS
#define IP_RECVTOS 40
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif
#ifndef IPV6_RECVTCLASS
#define IPV6_RECVTCLASS 40
#endif
#ifndef TCP_MAXRT
#define TCP_MAXRT 5
#endif

static int timeout_set(uint64_t *timeout_out, const void *value, plx__socklen length)
{
    plx__timeval time;
    if (length < sizeof time)
        return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.microseconds < 0 || time.microseconds >= 1000000)
        return -EDOM;
    *timeout_out = time.seconds < 0 ? 1 : plx__timeval_ns(&time);
    if (*timeout_out >= PLX__DURATION_MAX)
        *timeout_out = 0; /* None, as Linux says of it, too. */
    return 0;
}

static int linger_set(SOCKET handle, const void *value, plx__socklen length)
{
    plx__linger given;
    if (length < sizeof given)
        return -EINVAL;
    memcpy(&given, value, sizeof given);
    struct linger os = {.l_onoff = given.is_on != 0,
                        .l_linger = (u_short)(given.seconds > 65535 ? 65535 : given.seconds)};
    return setsockopt(handle, SOL_SOCKET, SO_LINGER, (char *)&os, sizeof os) == 0
               ? 0
               : plx__errno_last();
}

static int os_set(SOCKET handle, int level, int name, const void *value, int length)
{
    if (setsockopt(handle, level, name, value, length) == 0)
        return 0;
    int status = plx__errno_last();
    return status == -EFAULT ? -EINVAL : status;
}

/* Most are an int. */
static int number_of(const void *value, plx__socklen length, int *number_out)
{
    if (length < sizeof *number_out)
        return -EINVAL;
    memcpy(number_out, value, sizeof *number_out);
    return 0;
}

static int mark_set(plx__socket *socket, uint32_t mark, bool is_on)
{
    if (is_on)
        plx__atomic_or(&socket->marks, mark);
    else
        plx__atomic_store(&socket->marks, plx__atomic_load(&socket->marks) & ~mark);
    return 0;
}

static int socket_level_set(plx__file *file, int name, const void *value, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    SOCKET handle = plx__socket_handle(file);
    int number;
    switch (name) {
    case SO_RCVTIMEO:
        return timeout_set(&socket->receive_timeout_ns, value, length);
    case SO_SNDTIMEO:
        return timeout_set(&socket->send_timeout_ns, value, length);
    case SO_LINGER:
        return linger_set(handle, value, length);
    default:
        break;
    }
    int status = number_of(value, length, &number);
    if (status != 0)
        return status;
    switch (name) {
    case SO_REUSEADDR:
    case PLX__SO_REUSEPORT:
        (void)mark_set(socket, name == SO_REUSEADDR ? PLX__MARK_REUSE : PLX__MARK_SHARE,
                       number != 0);
        /* Winsock's is for several receivers of multicast, which is what it is for with UDP. */
        return socket->type == SOCK_DGRAM
                   ? os_set(handle, SOL_SOCKET, SO_REUSEADDR, &number, sizeof number)
                   : 0;
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        return name == SO_RCVLOWAT && number <= 1 ? 0 : -ENOPROTOOPT;
    case SO_BROADCAST:
        if (socket->type == SOCK_STREAM)
            return 0; /* Linux keeps it, to no effect. */
        return os_set(handle, SOL_SOCKET, name, &number, sizeof number);
    case SO_DEBUG:
        return number == 0 ? 0 : -EACCES;
    case SO_KEEPALIVE:
        if (socket->type != SOCK_STREAM)
            return 0;
        return os_set(handle, SOL_SOCKET, name, &number, sizeof number);
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_SNDBUF:
    case SO_RCVBUF:
        return os_set(handle, SOL_SOCKET, name, &number, sizeof number);
    default:
        return -ENOPROTOOPT; /* SO_ERROR, SO_TYPE and their like can only be read. */
    }
}

static int tcp_level_set(plx__file *file, int name, const void *value, plx__socklen length)
{
    SOCKET handle = plx__socket_handle(file);
    int number;
    if (plx__socket_of(file)->type != SOCK_STREAM)
        return -ENOPROTOOPT;
    int status = number_of(value, length, &number);
    if (status != 0)
        return status;
    switch (name) {
    case PLX__TCP_CORK:
    case PLX__TCP_QUICKACK:
    case PLX__TCP_DEFER_ACCEPT:
        return 0; /* Hints for speed, which can be had without. */
    case PLX__TCP_USER_TIMEOUT:
        number = (number + 999) / 1000; /* From milliseconds to seconds. */
        return os_set(handle, IPPROTO_TCP, TCP_MAXRT, &number, sizeof number);
    case TCP_NODELAY:
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
    case TCP_MAXSEG:
        return os_set(handle, IPPROTO_TCP, name, &number, sizeof number);
    default:
        return -ENOPROTOOPT;
    }
}

/* What Winsock calls by one name with the message that it asks for. */
static int name_of_winsock(int level, int name)
{
    if (level == IPPROTO_IPV6 && name == PLX__IPV6_RECVPKTINFO)
        return IPV6_PKTINFO;
    if (level == IPPROTO_IPV6 && name == PLX__IPV6_RECVHOPLIMIT)
        return IPV6_HOPLIMIT;
    return name;
}

/* Whether it asks for control messages with each datagram. */
static bool tells_more(int level, int name)
{
    if (level == IPPROTO_IP)
        return name == IP_PKTINFO || name == IP_RECVTTL || name == IP_RECVTOS;
    return name == IPV6_PKTINFO || name == IPV6_HOPLIMIT || name == IPV6_RECVTCLASS;
}

static int ip_level_set(plx__file *file, int level, int name, const void *value,
                        plx__socklen length)
{
    SOCKET handle = plx__socket_handle(file);
    unsigned char small;
    int number;
    name = name_of_winsock(level, name);
    if (tells_more(level, name))
        plx__atomic_or(&plx__socket_of(file)->marks, PLX__MARK_CONTROL);
    if (length == 1) { /* BSD's type for times to live, which Linux takes too. */
        memcpy(&small, value, 1);
        number = small;
        return os_set(handle, level, name, &number, sizeof number);
    }
    if (name == IP_MULTICAST_IF && level == IPPROTO_IP && length >= 12)
        return os_set(handle, level, name, (const char *)value + 4, 4); /* ip_mreqn. */
    if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP) {
        if (level == IPPROTO_IP && length >= 8)
            length = 8;
    }
    int status = os_set(handle, level, name, value, (int)length);
    return status == -EINVAL && length < 4 ? -EINVAL : status;
}

static int option_set(plx__file *file, int level, int name, const void *value, plx__socklen length)
{
    if (value == NULL)
        return -EFAULT;
    if ((int)length < 0)
        return -EINVAL;
    switch (level) {
    case SOL_SOCKET:
        return socket_level_set(file, name, value, length);
    case IPPROTO_TCP:
        return tcp_level_set(file, name, value, length);
    case IPPROTO_IP:
    case IPPROTO_IPV6:
        return ip_level_set(file, level, name, value, length);
    default:
        return -ENOPROTOOPT;
    }
}

PLX__CALL int plx_posix_setsockopt(int fd, int level, int name, const void *value,
                                   plx__socklen length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    if (plx__file_is_socket(file))
        status = option_set(file, level, name, value, length);
    else
        status = level == SOL_SOCKET ? 0 : -EOPNOTSUPP; /* A pair has nothing to set. */
    plx__file_put(file);
    return plx__answer_int(status);
}

/* --- reading -------------------------------------------------------------------------------- */

static int give(const void *from, size_t size, void *value, plx__socklen *length)
{
    if (*length < size)
        size = *length;
    memcpy(value, from, size);
    *length = (plx__socklen)size;
    return 0;
}

static int give_number(int number, void *value, plx__socklen *length)
{
    return give(&number, sizeof number, value, length);
}

static int give_timeout(uint64_t timeout, void *value, plx__socklen *length)
{
    plx__timeval time = plx__timeval_of(timeout);
    return give(&time, sizeof time, value, length);
}

static int os_get(SOCKET handle, int level, int name, void *value, plx__socklen *length)
{
    int number = 0; /* Winsock writes one byte of some. */
    int size = sizeof number;
    if (getsockopt(handle, level, name, (char *)&number, &size) != 0) {
        int status = plx__errno_last();
        return status == -EINVAL || status == -EFAULT ? -ENOPROTOOPT : status;
    }
    return give_number(number, value, length);
}

static int linger_get(SOCKET handle, void *value, plx__socklen *length)
{
    struct linger os = {0, 0};
    int size = sizeof os;
    if (getsockopt(handle, SOL_SOCKET, SO_LINGER, (char *)&os, &size) != 0)
        return plx__errno_last();
    plx__linger given = {os.l_onoff, os.l_linger};
    return give(&given, sizeof given, value, length);
}

/* As struct ucred. Linux says the same of who has no peer. */
static int give_peer(uint32_t process, void *value, plx__socklen *length)
{
    unsigned peer[3] = {process, UINT_MAX, UINT_MAX};
    if (process != 0) {
        peer[1] = PLX__USER;
        peer[2] = PLX__USER;
    }
    return give(peer, sizeof peer, value, length);
}

static int socket_level_get(plx__file *file, int name, void *value, plx__socklen *length)
{
    plx__socket *socket = plx__socket_of(file);
    SOCKET handle = plx__socket_handle(file);
    switch (name) {
    case SO_ERROR:
        return give_number(plx__socket_error_take(file), value, length);
    case SO_TYPE:
        return give_number(socket->type, value, length);
    case PLX__SO_DOMAIN:
        return give_number(socket->family, value, length);
    case PLX__SO_PROTOCOL:
        return give_number(socket->family == AF_UNIX ? 0 : socket->protocol, value, length);
    case PLX__SO_PEERCRED:
        return give_peer(socket->family == AF_UNIX ? plx__local_peer_process(file) : 0, value,
                         length);
    case SO_ACCEPTCONN:
        return give_number(plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_LISTENING, value,
                           length);
    case SO_REUSEADDR:
        return give_number((plx__atomic_load(&socket->marks) & PLX__MARK_REUSE) != 0, value,
                           length);
    case PLX__SO_REUSEPORT:
        return give_number((plx__atomic_load(&socket->marks) & PLX__MARK_SHARE) != 0, value,
                           length);
    case SO_DEBUG:
        return give_number(0, value, length);
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        return give_number(1, value, length);
    case SO_RCVTIMEO:
        return give_timeout(socket->receive_timeout_ns, value, length);
    case SO_SNDTIMEO:
        return give_timeout(socket->send_timeout_ns, value, length);
    case SO_LINGER:
        return linger_get(handle, value, length);
    case SO_BROADCAST:
        if (socket->type == SOCK_STREAM)
            return give_number(0, value, length);
        return os_get(handle, SOL_SOCKET, name, value, length);
    case SO_KEEPALIVE:
    case SO_DONTROUTE:
    case SO_OOBINLINE:
    case SO_SNDBUF:
    case SO_RCVBUF:
        return os_get(handle, SOL_SOCKET, name, value, length);
    default:
        return -ENOPROTOOPT;
    }
}

static int option_get(plx__file *file, int level, int name, void *value, plx__socklen *length)
{
    SOCKET handle = plx__socket_handle(file);
    if (value == NULL || length == NULL)
        return -EFAULT;
    if ((int)*length < 0)
        return -EINVAL;
    switch (level) {
    case SOL_SOCKET:
        return socket_level_get(file, name, value, length);
    case IPPROTO_TCP:
        if (plx__socket_of(file)->type != SOCK_STREAM)
            return -EOPNOTSUPP;
        if (name == PLX__TCP_INFO)
            return plx__tcp_info(file, value, length);
        if (name >= PLX__TCP_CORK && name <= PLX__TCP_DEFER_ACCEPT)
            return give_number(0, value, length);
        return os_get(handle, level, name, value, length);
    case IPPROTO_IP:
    case IPPROTO_IPV6:
        return os_get(handle, level, name_of_winsock(level, name), value, length);
    default:
        return -ENOPROTOOPT;
    }
}

static int pair_get(plx__file *file, int level, int name, void *value, plx__socklen *length)
{
    if (value == NULL || length == NULL)
        return -EFAULT;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    switch (name) {
    case SO_ERROR:
        return give_number(0, value, length);
    case SO_TYPE:
        return give_number(plx__channel_type(file), value, length);
    case PLX__SO_DOMAIN:
        return give_number(AF_UNIX, value, length);
    case PLX__SO_PEERCRED:
        return give_peer(GetCurrentProcessId(), value, length);
    case SO_SNDBUF:
    case SO_RCVBUF:
        return give_number(65536, value, length);
    default:
        return give_number(0, value, length);
    }
}

PLX__CALL int plx_posix_getsockopt(int fd, int level, int name, void *value, plx__socklen *length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    status = plx__file_is_socket(file) ? option_get(file, level, name, value, length)
                                       : pair_get(file, level, name, value, length);
    plx__file_put(file);
    return plx__answer_int(status);
}

/* --- ioctl ---------------------------------------------------------------------------------- */

static int at_mark(plx__file *file, int *answer_out)
{
    u_long mark = 0;
    if (!plx__file_is_socket(file))
        return -ENOTTY;
    if (ioctlsocket(plx__socket_handle(file), (long)SIOCATMARK, &mark) != 0)
        return plx__errno_last();
    *answer_out = mark == 0; /* Winsock answers the opposite question. */
    return 0;
}

PLX__CALL int plx_posix_sockatmark(int fd)
{
    int answer = 0;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    int status = at_mark(file, &answer);
    (void)plx__file_put(file);
    return status != 0 ? plx__answer_int(status) : answer;
}

static int waiting_count(plx__file *file, int *count_out)
{
    u_long bytes = 0;
    if (plx__atomic_load_acquire(&plx__socket_of(file)->state) == PLX__SOCKET_LISTENING)
        return -EINVAL;
    if (ioctlsocket(plx__socket_handle(file), (long)FIONREAD, &bytes) != 0)
        return plx__errno_last();
    *count_out = (int)bytes;
    return 0;
}

int plx__socket_control(plx__file *file, unsigned long request, void *argument)
{
    switch (request) {
    case PLX__FIONREAD:
        return waiting_count(file, argument);
    case PLX__SIOCATMARK:
        return at_mark(file, argument);
    default:
        return plx__interface_ioctl(request, argument);
    }
}
