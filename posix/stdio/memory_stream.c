/* posix/stdio/memory_stream.c - fmemopen(), open_memstream() and open_wmemstream().
 *
 * The C library's streams know handles only. So such a stream is over a temporary file, which
 * Windows keeps in memory as long as it can, and which is gone with the stream; what is in it is
 * copied to where the program looks for it by fflush() and fclose(), as POSIX says.
 */
#include "posix/stdio/memory_stream.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

typedef struct memory_stream {
    struct memory_stream *next;
    FILE *stream;
    char *buffer; /* fmemopen()'s, of `size` bytes; NULL: what is written is not to be seen. */
    size_t size;
    bool ends_always; /* A full buffer has its last byte replaced by a NUL. */
    void **text_out;  /* open_memstream()'s. */
    size_t *length_out;
    size_t unit;
    char *seen; /* What the file had when it was last copied: only what is new since then is. */
    size_t seen_size;
} memory_stream;

static SRWLOCK lock = SRWLOCK_INIT;
static memory_stream *all;

static memory_stream *find(const FILE *stream)
{
    memory_stream *at = all;
    while (at != NULL && at->stream != stream)
        at = at->next;
    return at;
}

bool plx__memory_stream_is(FILE *stream)
{
    AcquireSRWLockShared(&lock);
    bool is = find(stream) != NULL;
    ReleaseSRWLockShared(&lock);
    return is;
}

/* --- making one ----------------------------------------------------------------------------- */

static HANDLE file_make(void)
{
    wchar_t folder[MAX_PATH];
    wchar_t name[MAX_PATH];
    DWORD length = GetTempPathW(MAX_PATH, folder);
    if (length == 0 || length >= MAX_PATH || GetTempFileNameW(folder, L"plx", 0, name) == 0)
        return INVALID_HANDLE_VALUE;
    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE | DELETE, 0, NULL, CREATE_ALWAYS,
                       FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
}

/* Over a file with these bytes in it, at its start. NULL with errno set. */
static FILE *stream_make(const void *bytes, size_t size, const char *mode)
{
    HANDLE handle = file_make();
    DWORD written = 0;
    LARGE_INTEGER start = {.QuadPart = 0};
    if (handle == INVALID_HANDLE_VALUE) {
        errno = -plx__errno_last();
        return NULL;
    }
    if (size > UINT32_MAX || (size > 0 && !WriteFile(handle, bytes, (DWORD)size, &written, NULL)) ||
        written != size || !SetFilePointerEx(handle, start, NULL, FILE_BEGIN)) {
        (void)CloseHandle(handle);
        errno = ENOMEM;
        return NULL;
    }
    bool is_updated = strchr(mode, '+') != NULL;
    int flags = *mode == 'a' ? _O_APPEND : *mode == 'r' && !is_updated ? _O_RDONLY : 0;
    int inner = _open_osfhandle((intptr_t)handle, _O_BINARY | flags);
    char plain[4] = {*mode, 'b', is_updated ? '+' : '\0', '\0'};
    FILE *stream = inner >= 0 ? _fdopen(inner, plain) : NULL;
    if (stream != NULL)
        return stream;
    if (inner >= 0)
        (void)_close(inner);
    else
        (void)CloseHandle(handle);
    errno = EMFILE;
    return NULL;
}

/* False without memory. */
static bool seen_set(memory_stream *of, const void *bytes, size_t size)
{
    char *seen = size > 0 ? realloc(of->seen, size) : of->seen;
    if (seen == NULL && size > 0)
        return false;
    of->seen = seen;
    of->seen_size = size;
    if (size > 0)
        memcpy(seen, bytes, size);
    return true;
}

static FILE *list_add(const memory_stream *what)
{
    memory_stream *made = what->stream != NULL ? malloc(sizeof *made) : NULL;
    if (made == NULL) {
        free(what->seen);
        if (what->stream != NULL) {
            (void)fclose(what->stream);
            errno = ENOMEM;
        }
        return NULL;
    }
    *made = *what;
    AcquireSRWLockExclusive(&lock);
    made->next = all;
    all = made;
    ReleaseSRWLockExclusive(&lock);
    return made->stream;
}

PLX__CALL FILE *plx_posix_fmemopen(void *buffer, size_t size, const char *mode)
{
    if (mode == NULL || *mode == '\0' || strchr("rwa", *mode) == NULL) {
        errno = EINVAL;
        return NULL;
    }
    memory_stream what = {.buffer = buffer, .size = size, .unit = 1, .ends_always = *mode == 'w'};
    size_t length = 0;
    if (buffer != NULL && *mode == 'w' && mode[1] == '+' && size > 0)
        what.buffer[0] = '\0';
    if (buffer != NULL)
        length = *mode == 'r' ? size : *mode == 'a' ? strnlen(buffer, size) : 0;
    if (length > 0 && !seen_set(&what, buffer, length)) {
        errno = ENOMEM;
        return NULL;
    }
    what.stream = stream_make(buffer, length, mode);
    if (what.stream != NULL && *mode == 'a')
        (void)fseek(what.stream, 0, SEEK_END);
    if (*mode == 'r' && strchr(mode, '+') == NULL)
        what.buffer = NULL;
    return list_add(&what);
}

static FILE *growing_open(void **text, size_t *length, size_t unit)
{
    if (text == NULL || length == NULL) {
        errno = EINVAL;
        return NULL;
    }
    memory_stream what = {.text_out = text, .length_out = length, .unit = unit};
    void *empty = calloc(1, unit);
    what.stream = empty != NULL ? stream_make(NULL, 0, "w+") : NULL;
    FILE *stream = empty != NULL ? list_add(&what) : NULL;
    if (stream == NULL) {
        free(empty);
        return NULL;
    }
    *text = empty;
    *length = 0;
    return stream;
}

PLX__CALL FILE *plx_posix_open_memstream(char **text, size_t *length)
{
    return growing_open((void **)text, length, 1);
}

PLX__CALL FILE *plx_posix_open_wmemstream(wchar_t **text, size_t *length)
{
    return growing_open((void **)text, length, sizeof(wchar_t));
}

/* --- copying what was written --------------------------------------------------------------- */

/* Where the file differs from what it had when it was last copied. */
typedef struct change {
    size_t first, end; /* The same: nowhere. */
    bool has_grown;
} change;

static change change_find(const memory_stream *of, const char *bytes, size_t length)
{
    size_t both = length < of->seen_size ? length : of->seen_size;
    change found = {.first = 0, .end = length, .has_grown = length > of->seen_size};
    while (found.first < both && bytes[found.first] == of->seen[found.first])
        found.first++;
    while (length == of->seen_size && found.end > found.first &&
           bytes[found.end - 1] == of->seen[found.end - 1])
        found.end--;
    return found;
}

static int buffer_fill(const memory_stream *of, const char *bytes, size_t length, change what)
{
    size_t end = what.end < of->size ? what.end : of->size;
    if (of->buffer != NULL && what.first < end)
        memcpy(of->buffer + what.first, bytes + what.first, end - what.first);
    if (of->buffer != NULL && what.has_grown && length < of->size)
        of->buffer[length] = '\0';
    else if (of->buffer != NULL && what.has_grown && of->ends_always && of->size > 0)
        of->buffer[of->size - 1] = '\0';
    return what.has_grown && length > of->size ? -ENOSPC : 0;
}

static int text_fill(const memory_stream *of, const char *bytes, size_t length, change what)
{
    char *text = realloc(*of->text_out, length + of->unit);
    if (text == NULL)
        return -ENOMEM;
    *of->text_out = text;
    memcpy(text + what.first, bytes + what.first, what.end - what.first);
    memset(text + length, 0, of->unit);
    return 0;
}

static int change_copy(memory_stream *of, const char *bytes, size_t length)
{
    change what = change_find(of, bytes, length);
    if (what.first == what.end)
        return 0;
    int status = of->text_out != NULL ? text_fill(of, bytes, length, what)
                                      : buffer_fill(of, bytes, length, what);
    return status == -ENOMEM || seen_set(of, bytes, length) ? status : -ENOMEM;
}

/* Through a view, which leaves the stream's offset alone. 0, or a negative errno. */
static int file_copy(memory_stream *of, HANDLE handle, size_t length)
{
    if (length == 0)
        return 0;
    HANDLE mapping = CreateFileMappingW(handle, NULL, PAGE_READONLY, 0, 0, NULL);
    const char *view = mapping != NULL ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, length) : NULL;
    int status = view != NULL ? change_copy(of, view, length) : plx__errno_last();
    if (view != NULL)
        (void)UnmapViewOfFile(view);
    if (mapping != NULL)
        (void)CloseHandle(mapping);
    return status;
}

static int copy(memory_stream *of)
{
    HANDLE handle = (HANDLE)_get_osfhandle(_fileno(of->stream));
    LARGE_INTEGER length;
    int64_t offset = _ftelli64(of->stream);
    if (!GetFileSizeEx(handle, &length) || offset < 0)
        return -EIO;
    int status = file_copy(of, handle, (size_t)length.QuadPart);
    if (of->text_out != NULL && status == 0) {
        int64_t told = offset < length.QuadPart ? offset : length.QuadPart;
        *of->length_out = (size_t)told / of->unit;
    }
    return status;
}

int plx__memory_stream_flush(FILE *stream)
{
    int status = 0;
    AcquireSRWLockExclusive(&lock);
    for (memory_stream *at = all; at != NULL; at = at->next) {
        int one = stream == NULL || at->stream == stream ? copy(at) : 0;
        status = status != 0 ? status : one;
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

int plx__memory_stream_leave(FILE *stream)
{
    int status = plx__memory_stream_flush(stream);
    AcquireSRWLockExclusive(&lock);
    for (memory_stream **at = &all; *at != NULL; at = &(*at)->next) {
        if ((*at)->stream == stream) {
            memory_stream *gone = *at;
            *at = gone->next;
            free(gone->seen);
            free(gone);
            break;
        }
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}
