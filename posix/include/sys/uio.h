/* sys/uio.h - gathered and scattered input and output. */
#ifndef PLX_POSIX_SYS_UIO_H
#define PLX_POSIX_SYS_UIO_H

#include <plx_posix/base.h>

#define UIO_MAXIOV 1024

struct iovec {
    void *iov_base;
    size_t iov_len;
};

PLX_POSIX_BEGIN

ssize_t readv(int fd, const struct iovec *parts, int count) PLX_POSIX_NEW(readv);
ssize_t writev(int fd, const struct iovec *parts, int count) PLX_POSIX_NEW(writev);

PLX_POSIX_END
#endif
