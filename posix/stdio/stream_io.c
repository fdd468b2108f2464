/* posix/stdio/stream_io.c - reading from streams and writing to them: the C library's, with the
 * errors of POSIX.
 *
 * A stream whose descriptor was closed says EBADF, as does one that is not open for what is asked
 * of it.
 */
#include "posix/stdio/stdio.h"

#include <stdio.h>

/* After a call that has failed, or has met the end. */
static void failure_tell(FILE *stream)
{
    if (ferror(stream) && plx__stdio_is_closed(stream))
        errno = EBADF;
}

/* Whether it is open for reading; the C library would read what has been printed. */
static bool can_read(FILE *stream)
{
#ifndef _UCRT
    if ((stream->_flag & (_IOREAD | _IORW)) == 0) {
        stream->_flag |= _IOERR;
        errno = EBADF;
        return false;
    }
#else
    (void)stream;
#endif
    return true;
}

PLX__CALL int plx_posix_fgetc(FILE *stream)
{
    int byte = can_read(stream) ? fgetc(stream) : EOF;
    if (byte == EOF)
        failure_tell(stream);
    return byte;
}

PLX__CALL int plx_posix_getc(FILE *stream)
{
    return plx_posix_fgetc(stream);
}

PLX__CALL char *plx_posix_fgets(char *text, int size, FILE *stream)
{
    char *line = can_read(stream) ? fgets(text, size, stream) : NULL;
    if (line == NULL)
        failure_tell(stream);
    return line;
}

PLX__CALL size_t plx_posix_fread(void *items, size_t size, size_t count, FILE *stream)
{
    size_t got = can_read(stream) ? fread(items, size, count, stream) : 0;
    if (got < count)
        failure_tell(stream);
    return got;
}

PLX__CALL int plx_posix_fputc(int byte, FILE *stream)
{
    int written = fputc(byte, stream);
    if (written == EOF)
        failure_tell(stream);
    return written;
}

PLX__CALL int plx_posix_putc(int byte, FILE *stream)
{
    return plx_posix_fputc(byte, stream);
}

PLX__CALL int plx_posix_fputs(const char *text, FILE *stream)
{
    int result = fputs(text, stream);
    if (result == EOF)
        failure_tell(stream);
    return result;
}

PLX__CALL size_t plx_posix_fwrite(const void *items, size_t size, size_t count, FILE *stream)
{
    size_t written = fwrite(items, size, count, stream);
    if (written < count)
        failure_tell(stream);
    return written;
}
