/* platform/unix/error.c - errno to Pollux codes, in one table of two halves. */
#include <errno.h>

#include <pollux/loop.h>

#include "platform/platform.h"

static _Thread_local int last_os_code;

/* What is not of files and processes. */
static int code_of_network(int os_code)
{
    switch (os_code) {
    case ENOBUFS:
        return PLX_ENOBUFS;
    case EMSGSIZE:
        return PLX_EMSGSIZE;
    case EADDRINUSE:
        return PLX_EADDRINUSE;
    case EADDRNOTAVAIL:
        return PLX_EADDRNOTAVAIL;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return PLX_EAFNOSUPPORT;
    case ECONNREFUSED:
        return PLX_ECONNREFUSED;
    case ECONNRESET:
        return PLX_ECONNRESET;
    case ECONNABORTED:
#ifdef EPROTO
    case EPROTO: /* What accept() says on System V descendants for a connection that has gone. */
#endif
        return PLX_ECONNABORTED;
    case ETIMEDOUT:
        return PLX_ETIMEDOUT;
    case EHOSTUNREACH:
    case EHOSTDOWN:
        return PLX_EHOSTUNREACH;
    case ENETUNREACH:
        return PLX_ENETUNREACH;
    case ENETDOWN:
    case ENETRESET:
        return PLX_ENETDOWN;
    case ENOTCONN:
        return PLX_ENOTCONN;
    case EPIPE:
        return PLX_EPIPE;
    case ENOTSOCK:
        return PLX_ENOTSOCK;
    default:
        return PLX_EUNKNOWN;
    }
}

static int code_of(int os_code)
{
    /* These two are the same number on most systems, and two cases of one number do not compile. */
    if (os_code == EAGAIN || os_code == EWOULDBLOCK || os_code == EINPROGRESS)
        return PLX_EAGAIN;
    switch (os_code) {
    case EINVAL:
        return PLX_EINVAL;
    case ENOMEM:
        return PLX_ENOMEM;
    case ENOSYS:
    case EOPNOTSUPP:
    case ENOPROTOOPT:
        return PLX_ENOSYS;
    case EBUSY:
        return PLX_EBUSY;
    case ECANCELED:
        return PLX_ECANCELED;
    case EEXIST:
        return PLX_EEXIST;
    case EACCES:
    case EPERM:
    case EROFS:
        return PLX_EACCES;
    case ENOENT:
    case ENOTDIR:
        return PLX_ENOENT;
    case EMFILE:
        return PLX_EMFILE;
    case ENFILE:
        return PLX_ENFILE;
    case EBADF:
        return PLX_EBADF;
    case ENAMETOOLONG:
        return PLX_ENAMETOOLONG;
    case EIO:
        return PLX_EIO;
    default:
        return code_of_network(os_code);
    }
}

int plx__fail(int os_code)
{
    last_os_code = os_code;
    return code_of(os_code);
}

int plx__fail_last(void)
{
    return plx__fail(errno);
}

int plx_os_error(void)
{
    return last_os_code;
}
