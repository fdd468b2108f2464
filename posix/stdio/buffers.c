/* posix/stdio/buffers.c - how streams are buffered, single bytes without a lock, and streams over
 * files without a name.
 */
#include "posix/stdio/stdio.h"

int plx_posix_close(int fd);
FILE *plx_posix_fdopen(int fd, const char *mode);
int plx_posix_fileno(FILE *stream);
int plx_posix_mkstemp(char *name);
int plx_posix_unlink(const char *path);

static bool is_read_only(FILE *stream)
{
    plx__file *file = plx__fd_get(plx_posix_fileno(stream));
    if (file == NULL)
        return false;
    bool is = (plx__atomic_load(&file->flags) & PLX__O_ACCMODE) == PLX__O_RDONLY;
    (void)plx__file_put(file);
    return is;
}

/* The C library takes _IOLBF for _IOFBF, so lines would be written at the end only: they are
 * written at once instead. And it wants a size, also for a buffer of its own. */
PLX__CALL int plx_posix_setvbuf(FILE *stream, char *buffer, int mode, size_t size)
{
    if (mode == _IOLBF)
        mode = is_read_only(stream) ? _IOFBF : _IONBF;
    if (mode == _IONBF)
        return setvbuf(stream, NULL, _IONBF, 0);
    if (mode != _IOFBF)
        return -1;
    bool is_large = size >= 2 && size <= INT_MAX;
    return setvbuf(stream, is_large ? buffer : NULL, _IOFBF, is_large ? size : BUFSIZ);
}

PLX__CALL void plx_posix_setbuffer(FILE *stream, char *buffer, size_t size)
{
    (void)plx_posix_setvbuf(stream, buffer, buffer != NULL ? _IOFBF : _IONBF, size);
}

PLX__CALL void plx_posix_setlinebuf(FILE *stream)
{
    (void)plx_posix_setvbuf(stream, NULL, _IOLBF, 0);
}

PLX__CALL int plx_posix_getc_unlocked(FILE *stream)
{
    return _getc_nolock(stream);
}

PLX__CALL int plx_posix_getchar_unlocked(void)
{
    return _getc_nolock(stdin);
}

PLX__CALL int plx_posix_putc_unlocked(int byte, FILE *stream)
{
    return _putc_nolock(byte, stream);
}

PLX__CALL int plx_posix_putchar_unlocked(int byte)
{
    return _putc_nolock(byte, stdout);
}

/* The C library's own wants to write to the root of the drive. */
PLX__CALL FILE *plx_posix_tmpfile(void)
{
    char name[] = "/tmp/tmpfileXXXXXX";
    int fd = plx_posix_mkstemp(name);
    if (fd < 0)
        return NULL;
    FILE *stream = plx_posix_unlink(name) == 0 ? plx_posix_fdopen(fd, "w+") : NULL;
    if (stream == NULL)
        (void)plx_posix_close(fd);
    return stream;
}
