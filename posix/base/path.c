/* posix/base/path.c - paths as Windows has them. Those of programs are UTF-8, as everything POSIX
 * is here.
 */
#include "posix/base/base.h"

#include <string.h>

static wchar_t *wide_of(const char *text, size_t extra, int *error_out)
{
    int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (count == 0) {
        *error_out = -EILSEQ;
        return NULL;
    }
    wchar_t *wide = plx__allocate(((size_t)count + extra) * sizeof *wide);
    if (wide == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    (void)MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, count);
    return wide;
}

/* /tmp is the user's directory for such files, unless this drive has one of that name. */
static wchar_t *temporary_path(const char *rest, int *error_out)
{
    wchar_t *wide = wide_of(rest, MAX_PATH + 1, error_out);
    if (wide == NULL)
        return NULL;
    wchar_t directory[MAX_PATH + 1];
    DWORD length = GetTempPathW(MAX_PATH + 1, directory);
    if (length > 0 && directory[length - 1] == L'\\')
        length--;
    memmove(wide + length, wide, (wcslen(wide) + 1) * sizeof *wide);
    memcpy(wide, directory, length * sizeof *wide);
    return wide;
}

int plx__path_error(const wchar_t *path)
{
    int status = plx__errno_last();
    size_t length = wcslen(path);
    wchar_t *part = status == -ENOENT ? plx__allocate((length + 1) * sizeof *part) : NULL;
    if (part == NULL)
        return status;
    memcpy(part, path, (length + 1) * sizeof *part);
    /* The longest part of it that is there. */
    for (DWORD known = INVALID_FILE_ATTRIBUTES; length > 0 && known == INVALID_FILE_ATTRIBUTES;) {
        if (part[--length] != L'\\')
            continue;
        part[length] = L'\0';
        known = GetFileAttributesW(part);
        if (known != INVALID_FILE_ATTRIBUTES && (known & FILE_ATTRIBUTE_DIRECTORY) == 0)
            status = -ENOTDIR;
    }
    plx__free(part);
    return status;
}

/* With Windows' separators, once each; two at the start are the name of another machine. */
static void separators_set(wchar_t *path)
{
    wchar_t *to = path;
    for (wchar_t *at = path; *at != L'\0'; at++) {
        wchar_t letter = *at == L'/' ? L'\\' : *at;
        bool is_again = letter == L'\\' && to > path && to[-1] == L'\\';
        bool is_machine = at == path + 1 && at[1] != L'/' && at[1] != L'\\' && at[1] != L'\0';
        if (!is_again || is_machine)
            *to++ = letter;
    }
    *to = L'\0';
}

/* What stands before a "." or ".." is a directory: 0, or why it is not. Windows takes such parts
 * away without a look, with what stands before a "..". */
static int dots_check(wchar_t *path)
{
    int status = 0;
    for (wchar_t *at = path; status == 0 && (at = wcsstr(at, L"\\.")) != NULL; at++) {
        const wchar_t *after = at + (at[2] == L'.' ? 3 : 2);
        if (at == path || (*after != L'\0' && *after != L'\\'))
            continue; /* The root, or a name that begins with a dot. */
        *at = L'\0';
        DWORD known = GetFileAttributesW(path);
        if (known == INVALID_FILE_ATTRIBUTES)
            status = plx__path_error(path);
        else if ((known & FILE_ATTRIBUTE_DIRECTORY) == 0)
            status = -ENOTDIR;
        *at = L'\\';
    }
    return status;
}

wchar_t *plx__path(const char *path, int *error_out)
{
    if (path == NULL) {
        *error_out = -EFAULT;
        return NULL;
    }
    if (*path == '\0') {
        *error_out = -ENOENT;
        return NULL;
    }
    if (strcmp(path, "/dev/null") == 0)
        path = "NUL";
    else if (strcmp(path, "/dev/tty") == 0)
        path = "CONIN$";
    bool is_temporary = strncmp(path, "/tmp", 4) == 0 && (path[4] == '/' || path[4] == '\0') &&
                        GetFileAttributesW(L"\\tmp") == INVALID_FILE_ATTRIBUTES;
    wchar_t *wide =
        is_temporary ? temporary_path(path + 4, error_out) : wide_of(path, 0, error_out);
    if (wide == NULL)
        return NULL;
    separators_set(wide);
    int status = dots_check(wide);
    if (status == 0)
        return wide;
    *error_out = status;
    plx__free(wide);
    return NULL;
}
