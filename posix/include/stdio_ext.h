/* stdio_ext.h - what is known of a stream. */
#ifndef PLX_POSIX_STDIO_EXT_H
#define PLX_POSIX_STDIO_EXT_H

#include <stdio.h>

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

size_t __fpending(FILE *stream);

PLX_POSIX_END
#endif
