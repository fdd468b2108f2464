/* posix/stdio/stdio.h - streams of the C library, as far as others have to know of them. */
#ifndef PLX__POSIX_STDIO_H
#define PLX__POSIX_STDIO_H

#include "posix/fd/fd.h"

#include <stdio.h>

/* See plx__fd_hooks. */
void plx__stdio_follow(int fd, plx__file *file);
void plx__stdio_leave(int fd);
/* Before the process ends: what is in the streams is sent. */
void plx__stdio_flush(void);
/* The C library has 512 streams at most, if it is not told otherwise. */
void plx__stdio_start(void);
void plx__pumps_hold(plx__file *file); /* pump.c */
void plx__pumps_release(plx__file *file);

/* Whether close() took its descriptor away. */
bool plx__stdio_is_closed(FILE *stream);
/* fclose() of a stream that flockfile() may have locked (stream_lock.c). */
void plx__stream_lock_leave(FILE *stream);

#endif
