/* posix/stdio/fpending.c - __fpending(), in an object of its own: programs bring theirs. */
#include "posix/include/plx_posix/label.h"

#include <stdio.h>

size_t fpending(FILE *stream) PLX_POSIX_LABEL("__fpending");

/* How many bytes of a stream have been printed and not written yet. */
size_t fpending(FILE *stream)
{
#ifdef _UCRT /* Its streams are closed. */
    (void)stream;
    return 0;
#else
    return (stream->_flag & _IOWRT) != 0 ? (size_t)(stream->_ptr - stream->_base) : 0;
#endif
}
