/* posix/pipe/pipe.c - pipe() and socketpair(): descriptors for both ends. */
#include "posix/pipe/pipe.h"

static int pair_open(int fds[2], bool is_pair, int type, unsigned flags, bool is_cloexec)
{
    plx__file *ends[2];
    int first = plx__fd_reserve(0);
    int second = first >= 0 ? plx__fd_reserve(0) : first;
    int status = second >= 0 ? plx__channel_make(ends, is_pair, type, flags) : second;
    if (first >= 0)
        plx__fd_fill(first, status == 0 ? ends[0] : NULL, is_cloexec);
    if (second >= 0)
        plx__fd_fill(second, status == 0 ? ends[1] : NULL, is_cloexec);
    if (status == 0) {
        fds[0] = first;
        fds[1] = second;
    }
    return status;
}

PLX__CALL int plx_posix_pipe2(int fds[2], int flags)
{
    plx__start();
    if (fds == NULL)
        return plx__answer_int(-EFAULT);
    if ((flags & ~(PLX__O_NONBLOCK | PLX__O_CLOEXEC)) != 0)
        return plx__answer_int(-EINVAL);
    return plx__answer_int(pair_open(fds, false, SOCK_STREAM, (unsigned)flags & PLX__O_NONBLOCK,
                                     (flags & PLX__O_CLOEXEC) != 0));
}

PLX__CALL int plx_posix_pipe(int fds[2])
{
    return plx_posix_pipe2(fds, 0);
}

PLX__CALL int plx_posix_socketpair(int family, int type, int protocol, int fds[2])
{
    bool is_cloexec = (type & PLX__SOCK_CLOEXEC) != 0;
    unsigned flags = (type & PLX__SOCK_NONBLOCK) != 0 ? PLX__O_NONBLOCK : 0u;
    type &= ~(PLX__SOCK_NONBLOCK | PLX__SOCK_CLOEXEC);
    plx__start();
    if (family == AF_INET || family == AF_INET6)
        return plx__answer_int(-EOPNOTSUPP);
    if (family != AF_UNIX)
        return plx__answer_int(-EAFNOSUPPORT);
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return plx__answer_int(type > 0 && type <= 10 ? -ESOCKTNOSUPPORT : -EINVAL);
    if (protocol != 0 && protocol != AF_UNIX)
        return plx__answer_int(-EPROTONOSUPPORT);
    if (fds == NULL)
        return plx__answer_int(-EFAULT);
    return plx__answer_int(pair_open(fds, true, type, flags, is_cloexec));
}
