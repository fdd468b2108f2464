/* posix/stdio/memory_stream.h - streams over memory, for who flushes and closes streams (stdio.c).
 */
#ifndef PLX__POSIX_MEMORY_STREAM_H
#define PLX__POSIX_MEMORY_STREAM_H

#include "posix/stdio/stdio.h"

#include <stdio.h>

bool plx__memory_stream_is(FILE *stream);
/* After the stream itself was flushed: its memory has what was written. NULL: that of all. 0, or a
 * negative errno. */
int plx__memory_stream_flush(FILE *stream);
/* The same, before it is closed. */
int plx__memory_stream_leave(FILE *stream);

#endif
