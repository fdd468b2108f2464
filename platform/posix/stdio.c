/* platform/posix/stdio.c - streams of the C library, in the same numbering as everything else.
 *
 * A stream has a descriptor of the C library's inside, which nobody sees. fopen() takes a number of
 * the layer's for it, whose handle is the stream's; fileno() says that number, and fclose() gives
 * it back. fdopen() makes a stream over a copy of the handle, which shares the offset.
 */
#include "platform/posix/layer.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The stream's own handle is closed by fclose(); the descriptor only borrows it. */
static ptrdiff_t stream_read(plx__file *file, void *bytes, size_t size)
{
    return plx__disk_kind.read(file, bytes, size);
}

static ptrdiff_t stream_write(plx__file *file, const void *bytes, size_t size)
{
    return plx__disk_kind.write(file, bytes, size);
}

static unsigned stream_ready(plx__file *file)
{
    (void)file;
    return PLX__POLLIN | PLX__POLLOUT;
}

static const plx__file_kind borrowed_kind = {
    .mode = PLX__S_IFREG,
    .read = stream_read,
    .write = stream_write,
    .ready = stream_ready,
};

#define STREAMS_MAX 2048

/* By the C library's descriptor: the layer's, plus one. */
static SRWLOCK lock = SRWLOCK_INIT;
static int numbers[STREAMS_MAX];

static int number_get(int inner)
{
    if (inner < 0 || inner >= STREAMS_MAX)
        return -1;
    AcquireSRWLockShared(&lock);
    int number = numbers[inner] - 1;
    ReleaseSRWLockShared(&lock);
    return number;
}

static void number_set(int inner, int number)
{
    if (inner < 0 || inner >= STREAMS_MAX)
        return;
    AcquireSRWLockExclusive(&lock);
    numbers[inner] = number + 1;
    ReleaseSRWLockExclusive(&lock);
}

static unsigned access_of(const char *mode)
{
    if (strchr(mode, '+') != NULL)
        return PLX__O_RDWR;
    return *mode == 'r' ? PLX__O_RDONLY : PLX__O_WRONLY;
}

/* Gives the stream a number. */
static int stream_adopt(FILE *stream, unsigned flags)
{
    int inner = _fileno(stream);
    plx__file *file = plx__file_make(&borrowed_kind, flags);
    if (file == NULL)
        return -ENOMEM;
    file->handle = (HANDLE)_get_osfhandle(inner);
    int fd = plx__fd_add(file, 0, false);
    if (fd >= 0)
        number_set(inner, fd);
    return fd;
}

PLX__CALL int plx_posix_fileno(FILE *stream)
{
    int inner = stream != NULL ? _fileno(stream) : -1;
    if (inner < 0)
        return plx__answer_int(-EBADF);
    if (inner <= 2)
        return inner;
    int number = number_get(inner);
    return number >= 0 ? number : plx__answer_int(stream_adopt(stream, PLX__O_RDWR));
}

/* mingw-w64's mode letters, without "e" and "x" of others; bytes are bytes. */
static void mode_wide(const char *mode, wchar_t wide[8])
{
    size_t count = 0;
    for (; *mode != '\0' && count < 6; mode++) {
        if (strchr("rwa+", *mode) != NULL)
            wide[count++] = (wchar_t)*mode;
    }
    wide[count++] = L'b';
    wide[count] = L'\0';
}

PLX__CALL FILE *plx_posix_fopen(const char *path, const char *mode)
{
    wchar_t wide[8];
    int status = 0;
    wchar_t *name = plx__path(path, &status);
    if (name == NULL) {
        errno = -status;
        return NULL;
    }
    mode_wide(mode, wide);
    FILE *stream = _wfopen(name, wide);
    plx__free(name);
    if (stream == NULL)
        return NULL;
    int fd = stream_adopt(stream, access_of(mode));
    if (fd < 0) {
        (void)fclose(stream);
        errno = -fd;
        return NULL;
    }
    return stream;
}

PLX__CALL FILE *plx_posix_freopen(const char *path, const char *mode, FILE *stream)
{
    wchar_t wide[8];
    int status = 0;
    wchar_t *name = plx__path(path, &status);
    if (name == NULL) {
        errno = -status;
        return NULL;
    }
    int fd = plx_posix_fileno(stream);
    mode_wide(mode, wide);
    FILE *opened = _wfreopen(name, wide, stream);
    plx__free(name);
    plx__file *file = opened != NULL ? plx__file_make(&borrowed_kind, access_of(mode)) : NULL;
    if (file != NULL && fd >= 0) {
        file->handle = (HANDLE)_get_osfhandle(_fileno(opened));
        if (plx__fd_put(fd, file, false) >= 0 && _fileno(opened) > 2)
            number_set(_fileno(opened), fd);
    }
    return opened;
}

PLX__CALL FILE *plx_posix_fdopen(int fd, const char *mode)
{
    HANDLE copy = NULL;
    char plain[8];
    if (fd >= 0 && fd <= 2 && plx__fd_cloexec(fd) >= 0)
        return fd == 0 ? stdin : fd == 1 ? stdout : stderr;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL) {
        errno = EBADF;
        return NULL;
    }
    int status = file->handle == NULL || plx__file_is_socket(file) ? -EOPNOTSUPP : 0;
    if (status == 0 && !DuplicateHandle(GetCurrentProcess(), file->handle, GetCurrentProcess(),
                                        &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
        status = plx__errno_last();
    plx__file_put(file);
    if (status != 0) {
        errno = -status;
        return NULL;
    }
    int inner = _open_osfhandle((intptr_t)copy, _O_BINARY | (*mode == 'a' ? _O_APPEND : 0) |
                                                    (*mode == 'r' ? _O_RDONLY : 0));
    if (inner < 0) {
        (void)CloseHandle(copy);
        errno = EMFILE;
        return NULL;
    }
    (void)snprintf(plain, sizeof plain, "%c%sb", *mode, strchr(mode, '+') != NULL ? "+" : "");
    FILE *stream = _fdopen(inner, plain);
    if (stream == NULL)
        (void)_close(inner);
    else
        number_set(inner, fd);
    return stream;
}

PLX__CALL int plx_posix_fclose(FILE *stream)
{
    int inner = stream != NULL ? _fileno(stream) : -1;
    int fd = inner > 2 ? number_get(inner) : inner;
    number_set(inner, -1);
    int status = fclose(stream);
    if (fd >= 0)
        (void)plx__fd_close(fd);
    return status;
}

void plx__stdio_redirect(int fd, HANDLE handle)
{
    HANDLE copy = INVALID_HANDLE_VALUE;
    if (fd > 0)
        (void)fflush(fd == 1 ? stdout : stderr);
    if (handle == NULL)
        copy = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                           NULL, OPEN_EXISTING, 0, NULL);
    else if (!DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, FALSE,
                              DUPLICATE_SAME_ACCESS))
        return;
    int inner = copy != INVALID_HANDLE_VALUE ? _open_osfhandle((intptr_t)copy, _O_BINARY) : -1;
    if (inner < 0) {
        (void)CloseHandle(copy);
        return;
    }
    (void)_dup2(inner, fd);
    (void)_close(inner);
}

PLX__CALL FILE *plx_posix_popen(const char *command, const char *mode)
{
    return _popen(command, *mode == 'r' ? "rb" : "wb");
}

PLX__CALL int plx_posix_pclose(FILE *stream)
{
    int code = _pclose(stream);
    return code >= 0 ? (code & 0xff) << 8 : -1; /* As waitpid() has it. */
}

PLX__CALL int plx_posix_system(const char *command)
{
    int code = system(command);
    return command == NULL || code < 0 ? code : (code & 0xff) << 8;
}

PLX__CALL ptrdiff_t plx_posix_getdelim(char **line, size_t *size, int end, FILE *stream)
{
    size_t length = 0;
    if (line == NULL || size == NULL)
        return plx__answer(-EINVAL);
    for (;;) {
        int byte = getc(stream);
        if (byte == EOF && (length == 0 || ferror(stream)))
            return -1;
        if (*line == NULL || length + 2 > *size) {
            size_t more = *line == NULL || *size < 60 ? 120 : *size * 2;
            char *grown = realloc(*line, more);
            if (grown == NULL)
                return plx__answer(-ENOMEM);
            *line = grown;
            *size = more;
        }
        if (byte != EOF)
            (*line)[length++] = (char)byte;
        (*line)[length] = '\0';
        if (byte == end || byte == EOF)
            return (ptrdiff_t)length;
    }
}

PLX__CALL ptrdiff_t plx_posix_getline(char **line, size_t *size, FILE *stream)
{
    return plx_posix_getdelim(line, size, '\n', stream);
}

PLX__CALL void plx_posix_flockfile(FILE *stream)
{
    _lock_file(stream);
}

PLX__CALL void plx_posix_funlockfile(FILE *stream)
{
    _unlock_file(stream);
}
