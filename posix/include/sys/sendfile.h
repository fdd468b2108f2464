/* sys/sendfile.h - from a file to any descriptor. */
#ifndef PLX_POSIX_SYS_SENDFILE_H
#define PLX_POSIX_SYS_SENDFILE_H

#include <sys/types.h>

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

ssize_t sendfile(int to, int from, off_t *offset, size_t count) PLX_POSIX_NEW(sendfile);

PLX_POSIX_END
#endif
