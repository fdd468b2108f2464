/* posix/stdio/stdio.c - streams of the C library, in the same numbering as everything else.
 *
 * A stream has a descriptor of the C library's inside, which nobody sees. fopen() and fdopen() make
 * it over a copy of the handle of one of the layer's, which shares the offset; fileno() says its
 * number, and fclose() gives it back. Where there is no handle, as for sockets, a pump (pump.h)
 * stands between the stream and the file.
 */
#include "posix/stdio/stdio.h"
#include "posix/files/files.h"
#include "posix/signal/signal.h"
#include "posix/socket/socket.h"
#include "posix/stdio/memory_stream.h"
#include "posix/stdio/pump.h"

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
    .control = plx__console_control,
    .lock = plx__lock_control,
};

#define STREAMS_MAX 2048

void plx__stdio_start(void)
{
    if (_getmaxstdio() < STREAMS_MAX)
        (void)_setmaxstdio(STREAMS_MAX);
}

/* By the C library's descriptor. */
typedef struct stream_state {
    int number;     /* The layer's, plus one. */
    bool is_closed; /* close() took the layer's away. */
    plx__pump *pump;
} stream_state;

static SRWLOCK lock = SRWLOCK_INIT;
static stream_state states[STREAMS_MAX];
/* Of the layer's descriptors, those that may have a stream: close() looks for it there alone. */
static uint32_t streamed[PLX__DESCRIPTORS_MAX / 32];

static bool has_state(int inner)
{
    return inner >= 0 && inner < STREAMS_MAX;
}

static int number_get(int inner)
{
    if (!has_state(inner))
        return -1;
    AcquireSRWLockShared(&lock);
    int number = states[inner].number - 1;
    ReleaseSRWLockShared(&lock);
    return number;
}

static void number_set(int inner, int number)
{
    if (!has_state(inner))
        return;
    AcquireSRWLockExclusive(&lock);
    states[inner].number = number + 1;
    states[inner].is_closed = false;
    if (number >= 0)
        streamed[number / 32] |= UINT32_C(1) << number % 32;
    ReleaseSRWLockExclusive(&lock);
}

bool plx__stdio_is_closed(FILE *stream)
{
    int inner = _fileno(stream);
    if (!has_state(inner))
        return false;
    AcquireSRWLockShared(&lock);
    bool is_closed = states[inner].is_closed;
    ReleaseSRWLockShared(&lock);
    return is_closed;
}

/* From now on all that is read and written there fails, by a handle without rights. */
static void inner_close(int inner)
{
    HANDLE handle =
        CreateFileW(L"NUL", 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    int empty = handle != INVALID_HANDLE_VALUE ? _open_osfhandle((intptr_t)handle, _O_BINARY) : -1;
    if (empty >= 0) {
        (void)_dup2(empty, inner);
        (void)_close(empty);
    } else if (handle != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(handle);
    }
}

void plx__stdio_leave(int fd)
{
    AcquireSRWLockExclusive(&lock);
    uint32_t bit = UINT32_C(1) << fd % 32;
    bool may_have = (streamed[fd / 32] & bit) != 0;
    streamed[fd / 32] &= ~bit;
    for (int inner = 3; may_have && inner < STREAMS_MAX; inner++) {
        stream_state *state = &states[inner];
        if (state->number != fd + 1 || state->pump != NULL || state->is_closed)
            continue;
        state->is_closed = true;
        inner_close(inner);
    }
    ReleaseSRWLockExclusive(&lock);
}

/* Who takes a pump out of its place is the one to end it. */
static plx__pump *pump_exchange(int inner, plx__pump *pump)
{
    if (!has_state(inner))
        return NULL;
    AcquireSRWLockExclusive(&lock);
    plx__pump *before = states[inner].pump;
    states[inner].pump = pump;
    ReleaseSRWLockExclusive(&lock);
    return before;
}

/* What could not be sent is an error of the stream's, as if its own write had failed. */
static int pump_flush(int inner)
{
    plx__pump *pump = NULL;
    if (has_state(inner)) {
        AcquireSRWLockShared(&lock);
        pump = states[inner].pump;
        ReleaseSRWLockShared(&lock);
    }
    return pump != NULL ? plx__pump_drain(pump) : 0;
}

static int sent_answer(int status, int error)
{
    if (error == 0)
        return status;
    if (error == -EPIPE)
        plx__signal_broken_pipe();
    errno = -error;
    return EOF;
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
    if (number < 0 && plx__memory_stream_is(stream))
        return plx__answer_int(-EBADF);
    return number >= 0 ? number : plx__answer_int(stream_adopt(stream, PLX__O_RDWR));
}

/* The letters of a mode that the C library is to see; bytes are bytes. */
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

/* What open() is to be told for a mode. */
static int flags_of(const char *mode)
{
    int flags = (int)access_of(mode);
    if (*mode == '\0' || strchr("rwa", *mode) == NULL)
        return -EINVAL;
    if (*mode != 'r')
        flags |= PLX__O_CREAT | (*mode == 'w' ? PLX__O_TRUNC : PLX__O_APPEND);
    if (strchr(mode, 'x') != NULL)
        flags |= PLX__O_EXCL;
    return strchr(mode, 'e') != NULL ? flags | PLX__O_CLOEXEC : flags;
}

static int inner_flags(const char *mode)
{
    return _O_BINARY | (*mode == 'a' ? _O_APPEND : 0) | (*mode == 'r' ? _O_RDONLY : 0);
}

/* A handle of the C library's own that stands for the file; with a pump, where that needs one. */
static int handle_for(plx__file *file, unsigned access, HANDLE *handle_out, plx__pump **pump_out)
{
    unsigned allowed = plx__atomic_load(&file->flags) & PLX__O_ACCMODE;
    *pump_out = NULL;
    if (allowed != PLX__O_RDWR && allowed != access)
        return -EINVAL;
    if (file->handle == NULL || plx__file_is_socket(file)) {
        bool is_socket = plx__file_is_socket(file);
        if (!is_socket && ((access != PLX__O_WRONLY && file->kind->read == NULL) ||
                           (access != PLX__O_RDONLY && file->kind->write == NULL)))
            return -EOPNOTSUPP;
        return plx__pump_make(file, access, pump_out, handle_out);
    }
    return DuplicateHandle(GetCurrentProcess(), file->handle, GetCurrentProcess(), handle_out, 0,
                           FALSE, DUPLICATE_SAME_ACCESS)
               ? 0
               : plx__errno_last();
}

static FILE *stream_make(plx__file *file, const char *mode, int *error_out)
{
    HANDLE handle = NULL;
    plx__pump *pump = NULL;
    char plain[8];
    FILE *stream = NULL;
    *error_out = handle_for(file, access_of(mode), &handle, &pump);
    if (*error_out != 0)
        return NULL;
    int inner = _open_osfhandle((intptr_t)handle, inner_flags(mode));
    (void)snprintf(plain, sizeof plain, "%c%sb", *mode, strchr(mode, '+') != NULL ? "+" : "");
    if (inner >= 0 && has_state(inner))
        stream = _fdopen(inner, plain);
    if (stream != NULL) {
        (void)pump_exchange(inner, pump);
        return stream;
    }
    *error_out = -EMFILE;
    if (inner >= 0)
        (void)_close(inner);
    else
        (void)CloseHandle(handle);
    if (pump != NULL)
        plx__pump_leave(pump);
    return NULL;
}

/* As open() does it, for the C library's own lets nobody rename or remove what is open. */
PLX__CALL FILE *plx_posix_fopen(const char *path, const char *mode)
{
    plx__file *file = NULL;
    FILE *stream = NULL;
    int flags = flags_of(mode);
    plx__start();
    int status = flags >= 0 ? plx__file_open(path, flags, 0666u, &file) : flags;
    if (file != NULL)
        stream = stream_make(file, mode, &status);
    if (stream != NULL) {
        int fd = plx__fd_add(file, 0, (flags & PLX__O_CLOEXEC) != 0);
        if (fd >= 0) {
            number_set(_fileno(stream), fd);
            return stream;
        }
        file = NULL;
        status = fd;
        (void)fclose(stream);
    }
    if (file != NULL)
        (void)plx__file_put(file);
    errno = -status;
    return NULL;
}

PLX__CALL FILE *plx_posix_fdopen(int fd, const char *mode)
{
    int status = 0;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL || mode == NULL || strchr("rwa", *mode) == NULL || *mode == '\0') {
        errno = file == NULL ? EBADF : EINVAL;
        if (file != NULL)
            plx__file_put(file);
        return NULL;
    }
    FILE *stream = NULL;
    if (fd <= 2 && access_of(mode) == (fd == 0 ? PLX__O_RDONLY : PLX__O_WRONLY))
        stream = fd == 0 ? stdin : fd == 1 ? stdout : stderr;
    else
        stream = stream_make(file, mode, &status);
    plx__file_put(file);
    if (stream == NULL)
        errno = -status;
    else if (_fileno(stream) > 2)
        number_set(_fileno(stream), fd);
    return stream;
}

/* What has been read ahead goes back to the file, so that the descriptor is where the stream is; it
 * stays where there is nothing to seek in, as with the GNU C library. Microsoft's would drop it.
 * Whether the stream was being read. */
static bool keeps_input(FILE *stream, bool is_pumped)
{
#ifdef _UCRT
    (void)stream;
    (void)is_pumped;
    return false;
#else
    if ((stream->_flag & _IOREAD) == 0)
        return false;
    int inner = _fileno(stream);
    bool can_seek = !is_pumped && stream->_cnt > 0 &&
                    GetFileType((HANDLE)_get_osfhandle(inner)) == FILE_TYPE_DISK;
    if (can_seek && _lseeki64(inner, -(int64_t)stream->_cnt, SEEK_CUR) >= 0) {
        stream->_cnt = 0;
        stream->_ptr = stream->_base;
    }
    if (stream->_cnt == 0 && (stream->_flag & _IORW) != 0) {
        stream->_flag &= ~_IOREAD; /* It may be written to next. */
        stream->_ptr = stream->_base;
    }
    return true;
#endif
}

/* Before it is closed: 0, or EOF if what was printed cannot be written. An error of before is none
 * of closing's, as it would be to Wine. */
static int stream_finish(FILE *stream, bool is_pumped)
{
    int status = keeps_input(stream, is_pumped) ? 0 : fflush(stream);
    clearerr(stream);
    return status;
}

PLX__CALL int plx_posix_fclose(FILE *stream)
{
    int inner = stream != NULL ? _fileno(stream) : -1;
    int fd = inner > 2 ? number_get(inner) : inner;
    plx__pump *pump = pump_exchange(inner, NULL);
    bool is_closed = stream != NULL && plx__stdio_is_closed(stream);
    number_set(inner, -1);
    int status = stream != NULL ? stream_finish(stream, pump != NULL) : 0;
    int lost = stream != NULL ? plx__memory_stream_leave(stream) : 0;
    if (stream != NULL)
        plx__stream_lock_leave(stream);
    if (fclose(stream) != 0)
        status = EOF;
    status = sent_answer(status, lost);
    if (pump != NULL)
        status = sent_answer(status, plx__pump_end(pump));
    if (is_closed) {
        errno = EBADF;
        status = EOF;
    } else if (fd >= 0)
        (void)plx__fd_close(fd);
    return status;
}

/* The stream's descriptor inside is to be over the file from now on. */
static int stream_point(FILE *stream, plx__file *file, const char *mode)
{
    HANDLE handle = NULL;
    plx__pump *pump = NULL;
    int status = handle_for(file, access_of(mode), &handle, &pump);
    if (status != 0)
        return status;
    int inner = _open_osfhandle((intptr_t)handle, inner_flags(mode));
    if (inner >= 0 && _dup2(inner, _fileno(stream)) == 0) {
        (void)_close(inner);
        (void)pump_exchange(_fileno(stream), pump);
        return 0;
    }
    if (inner >= 0)
        (void)_close(inner);
    else
        (void)CloseHandle(handle);
    if (pump != NULL)
        plx__pump_leave(pump);
    return -EMFILE;
}

PLX__CALL FILE *plx_posix_freopen(const char *path, const char *mode, FILE *stream)
{
    wchar_t wide[8];
    plx__file *file = NULL;
    int flags = flags_of(mode);
    int status = flags >= 0 ? plx__file_open(path, flags, 0666u, &file) : flags;
    int fd = plx_posix_fileno(stream);
    int inner = stream != NULL ? _fileno(stream) : -1;
    (void)pump_flush(inner);
    if (stream != NULL && plx__memory_stream_is(stream)) {
        (void)fflush(stream);
        (void)plx__memory_stream_leave(stream);
    }
    mode_wide(flags >= 0 ? mode : "r", wide);
    FILE *opened = _wfreopen(L"NUL", wide, stream); /* A new stream, over what comes next. */
    plx__pump *before = inner >= 0 ? pump_exchange(inner, NULL) : NULL;
    if (before != NULL)
        plx__pump_leave(before);
    if (opened != NULL && status == 0)
        status = stream_point(opened, file, mode);
    if (opened == NULL || status != 0) { /* It is closed then, as C says. */
        if (file != NULL)
            (void)plx__file_put(file);
        if (opened != NULL)
            (void)plx_posix_fclose(opened);
        errno = status != 0 ? -status : EBADF;
        return NULL;
    }
    bool is_cloexec = (flags & PLX__O_CLOEXEC) != 0;
    if (fd < 0)
        fd = plx__fd_add(file, 0, is_cloexec);
    else
        fd = plx__fd_put(fd, file, is_cloexec);
    if (fd >= 0 && _fileno(opened) > 2)
        number_set(_fileno(opened), fd);
    return opened;
}

PLX__CALL int plx_posix_fflush(FILE *stream)
{
    if (stream == NULL) {
        int status = fflush(NULL);
        int error = 0;
        for (int inner = 0; inner < STREAMS_MAX; inner++) {
            int one = pump_flush(inner);
            error = error != 0 ? error : one;
        }
        error = error != 0 ? error : plx__memory_stream_flush(NULL);
        return sent_answer(status, error);
    }
    int inner = _fileno(stream);
    bool is_pumped = has_state(inner) && states[inner].pump != NULL;
    _lock_file(stream);
    bool is_input = keeps_input(stream, is_pumped);
    _unlock_file(stream);
    if (is_input)
        return 0;
    int status = fflush(stream);
    if (status != 0 && plx__stdio_is_closed(stream))
        errno = EBADF;
    if (inner > 2 && number_get(inner) < 0)
        return sent_answer(status, plx__memory_stream_flush(stream));
    return is_pumped ? sent_answer(status, pump_flush(inner)) : status;
}

void plx__stdio_flush(void)
{
    (void)fflush(NULL);
    for (int inner = 0; inner < STREAMS_MAX; inner++)
        (void)pump_flush(inner);
}

void plx__stdio_follow(int fd, plx__file *file)
{
    HANDLE handle = INVALID_HANDLE_VALUE;
    plx__pump *pump = NULL;
    if (file == NULL ||
        handle_for(file, fd == 0 ? PLX__O_RDONLY : PLX__O_WRONLY, &handle, &pump) != 0)
        handle = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    int inner = handle != INVALID_HANDLE_VALUE ? _open_osfhandle((intptr_t)handle, _O_BINARY) : -1;
    (void)pump_flush(fd);
    if (inner >= 0) {
        (void)_dup2(inner, fd);
        (void)_close(inner);
    } else if (handle != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(handle);
    }
    plx__pump *before = pump_exchange(fd, inner >= 0 ? pump : NULL);
    if (before != NULL)
        plx__pump_leave(before);
    if (inner < 0 && pump != NULL)
        plx__pump_leave(pump);
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

static ptrdiff_t line_read(char **line, size_t *size, int end, FILE *stream)
{
    size_t length = 0;
    for (;;) {
        int byte = _getc_nolock(stream);
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

PLX__CALL ptrdiff_t plx_posix_getdelim(char **line, size_t *size, int end, FILE *stream)
{
    if (line == NULL || size == NULL)
        return plx__answer(-EINVAL);
    _lock_file(stream); /* Once for the line, and not for each byte. */
    ptrdiff_t length = line_read(line, size, end, stream);
    _unlock_file(stream);
    return length;
}

PLX__CALL ptrdiff_t plx_posix_getline(char **line, size_t *size, FILE *stream)
{
    return plx_posix_getdelim(line, size, '\n', stream);
}
