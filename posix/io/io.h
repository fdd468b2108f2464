/* posix/io/io.h - the calls that work on every descriptor. */
#ifndef PLX__POSIX_IO_H
#define PLX__POSIX_IO_H

#include "posix/fd/fd.h"

/* What write() does: all of it, unless the file is non-blocking. */
ptrdiff_t plx__file_write(plx__file *file, const void *bytes, size_t size);

/* What epoll sets do when a file goes, or gets another descriptor: see plx__fd_hooks (epoll.c). */
void plx__epoll_forget(plx__file *file);
void plx__epoll_recheck(const void *file);

#endif
