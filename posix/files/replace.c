/* posix/files/replace.c - unlink(), remove() and rename(), also of files that are open.
 *
 * POSIX's names and files are two things: a name that is removed or given to another file is gone
 * at once, and who has the file open keeps it. Windows 10 can do so when it is asked to (NTFS only;
 * Microsoft's documentation of FILE_DISPOSITION_INFORMATION_EX and FILE_RENAME_INFORMATION). Where
 * it cannot, a file that is open is given a name of its own first, with which it goes when it is
 * closed; so for a moment there is no file of the name that rename() replaces.
 */
#include "posix/base/base.h"

#include <ntsecapi.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
/* mingw-w64 has names for these only where the oldest Windows that is asked for has them, too. */
#define DISPOSITION_EX  ((FILE_INFO_BY_HANDLE_CLASS)21)
#define DISPOSITION_NOW (0x1u | 0x2u | 0x10u) /* DELETE, POSIX_SEMANTICS, IGNORE_READONLY. */
#define RENAME_EX       ((FILE_INFO_BY_HANDLE_CLASS)22)
#define RENAME_NOW      (0x1u | 0x2u | 0x40u) /* REPLACE, POSIX_SEMANTICS, IGNORE_READONLY. */
#define ASIDE_SIZE      24

typedef struct rename_request { /* FILE_RENAME_INFO. */
    DWORD flags;
    HANDLE root;
    DWORD size;
    wchar_t name[];
} rename_request;

static bool is_there(DWORD attributes)
{
    return attributes != INVALID_FILE_ATTRIBUTES;
}

static bool is_directory(DWORD attributes)
{
    return is_there(attributes) && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static HANDLE handle_open(const wchar_t *path, DWORD access, DWORD share)
{
    return CreateFileW(path, access, share, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

/* One that is read-only can be removed and replaced on Linux. */
static void make_writable(const wchar_t *path)
{
    DWORD known = GetFileAttributesW(path);
    if (is_there(known) && (known & FILE_ATTRIBUTE_READONLY) != 0)
        (void)SetFileAttributesW(path, known & ~(DWORD)FILE_ATTRIBUTE_READONLY);
}

/* Whether somebody has it open. */
static bool is_open(const wchar_t *path)
{
    HANDLE handle = handle_open(path, DELETE, 0);
    if (handle == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_SHARING_VIOLATION;
    (void)CloseHandle(handle);
    return false;
}

/* Gives the file a name beside its own; to be freed. NULL: that cannot be done. */
static wchar_t *aside_put(const wchar_t *path)
{
    const wchar_t *name = path + wcslen(path);
    uint64_t number;
    while (name > path && wcschr(L"\\/:", name[-1]) == NULL)
        name--;
    size_t length = (size_t)(name - path);
    wchar_t *aside = plx__allocate((length + ASIDE_SIZE) * sizeof *aside);
    if (aside == NULL || !RtlGenRandom(&number, sizeof number)) {
        plx__free(aside);
        return NULL;
    }
    wmemcpy(aside, path, length);
    (void)swprintf(aside + length, ASIDE_SIZE, L".plx%016llx", (unsigned long long)number);
    if (MoveFileExW(path, aside, 0))
        return aside;
    plx__free(aside);
    return NULL;
}

/* --- removing ------------------------------------------------------------------------------- */

static bool remove_now(const wchar_t *path)
{
    DWORD how = DISPOSITION_NOW;
    HANDLE handle = handle_open(path, DELETE, SHARE);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    bool is_done = SetFileInformationByHandle(handle, DISPOSITION_EX, &how, sizeof how);
    (void)CloseHandle(handle);
    return is_done;
}

static int file_remove(const wchar_t *path)
{
    int status = 0;
    DWORD known = GetFileAttributesW(path);
    if (is_directory(known))
        return -EISDIR;
    if (is_there(known) && remove_now(path))
        return 0;
    make_writable(path);
    wchar_t *aside = is_there(known) && is_open(path) ? aside_put(path) : NULL;
    if (!DeleteFileW(aside != NULL ? aside : path)) {
        status = plx__path_error(path);
        if (aside != NULL)
            (void)MoveFileExW(aside, path, 0);
    }
    plx__free(aside);
    return status;
}

static int directory_remove(const wchar_t *path)
{
    return RemoveDirectoryW(path) ? 0 : plx__path_error(path);
}

static int anything_remove(const wchar_t *path)
{
    int status = file_remove(path);
    return status == -EISDIR ? directory_remove(path) : status;
}

static int directory_look(const wchar_t *path)
{
    DWORD known = GetFileAttributesW(path);
    if (!is_there(known))
        return plx__path_error(path);
    return is_directory(known) ? 0 : -ENOTDIR;
}

static bool is_slash(char letter)
{
    return letter == '/' || letter == '\\';
}

/* Why a directory cannot be removed by a name that every directory has; 0 for other names. Windows
 * would take "d/." for "d". Such names cannot be renamed either. */
static int dots_error(const char *path)
{
    size_t end = strlen(path);
    while (end > 0 && is_slash(path[end - 1]))
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] == '.')
        start--;
    if (start > 0 && !is_slash(path[start - 1]))
        return 0;
    if (end - start == 1)
        return -EINVAL;
    return end - start == 2 ? -ENOTEMPTY : 0;
}

static int path_do(const char *path, int (*act)(const wchar_t *))
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide != NULL)
        status = act(wide);
    plx__free(wide);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_unlink(const char *path)
{
    return path_do(path, file_remove);
}

PLX__CALL int plx_posix_rmdir(const char *path)
{
    int refusal = path != NULL ? dots_error(path) : 0;
    if (refusal == 0)
        return path_do(path, directory_remove);
    return path_do(path, directory_look) == 0 ? plx__answer_int(refusal) : -1;
}

PLX__CALL int plx_posix_remove(const char *path)
{
    if (path != NULL && dots_error(path) != 0)
        return plx_posix_rmdir(path);
    return path_do(path, anything_remove);
}

/* --- renaming ------------------------------------------------------------------------------- */

/* Two names of one file, which rename() leaves as they are. */
static bool is_same_file(const wchar_t *from, const wchar_t *to)
{
    BY_HANDLE_FILE_INFORMATION one;
    BY_HANDLE_FILE_INFORMATION other;
    HANDLE first = handle_open(from, FILE_READ_ATTRIBUTES, SHARE);
    HANDLE second = handle_open(to, FILE_READ_ATTRIBUTES, SHARE);
    bool is_same =
        first != INVALID_HANDLE_VALUE && second != INVALID_HANDLE_VALUE &&
        GetFileInformationByHandle(first, &one) && GetFileInformationByHandle(second, &other) &&
        (one.nNumberOfLinks > 1 || is_directory(one.dwFileAttributes)) &&
        one.dwVolumeSerialNumber == other.dwVolumeSerialNumber &&
        one.nFileIndexHigh == other.nFileIndexHigh && one.nFileIndexLow == other.nFileIndexLow;
    if (first != INVALID_HANDLE_VALUE)
        (void)CloseHandle(first);
    if (second != INVALID_HANDLE_VALUE)
        (void)CloseHandle(second);
    return is_same;
}

static bool rename_now(const wchar_t *from, const wchar_t *to)
{
    DWORD length = GetFullPathNameW(to, 0, NULL, NULL);
    size_t size = sizeof(rename_request) + (size_t)length * sizeof(wchar_t);
    rename_request *request = plx__allocate(size);
    HANDLE handle = handle_open(from, DELETE, SHARE);
    bool is_done = false;
    if (request != NULL && handle != INVALID_HANDLE_VALUE && length > 0) {
        memset(request, 0, size);
        request->flags = RENAME_NOW;
        request->size = GetFullPathNameW(to, length, request->name, NULL) * (DWORD)sizeof(wchar_t);
        is_done = SetFileInformationByHandle(handle, RENAME_EX, request, (DWORD)size);
    }
    if (handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    plx__free(request);
    return is_done;
}

/* The plain way, with what it replaces out of the way if it must be. */
static int rename_plainly(const wchar_t *from, const wchar_t *to, bool replaces)
{
    int status = 0;
    if (replaces)
        make_writable(to);
    if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING))
        return 0;
    status = plx__path_error(to);
    wchar_t *aside = replaces && is_open(to) ? aside_put(to) : NULL;
    if (aside == NULL)
        return status;
    if (MoveFileExW(from, to, 0)) {
        (void)DeleteFileW(aside);
        status = 0;
    } else {
        (void)MoveFileExW(aside, to, 0);
    }
    plx__free(aside);
    return status;
}

/* The whole path, to be freed with plx__free; NULL when there is none. */
static wchar_t *whole_path(const wchar_t *path)
{
    DWORD length = GetFullPathNameW(path, 0, NULL, NULL);
    wchar_t *whole = length > 0 ? plx__allocate((size_t)length * sizeof *whole) : NULL;
    if (whole != NULL)
        (void)GetFullPathNameW(path, length, whole, NULL);
    return whole;
}

/* Whether the one path leads into the other. */
static bool is_below(const wchar_t *top, const wchar_t *path)
{
    wchar_t *whole = whole_path(top);
    wchar_t *other = whole_path(path);
    size_t length = whole != NULL ? wcslen(whole) : 0;
    bool is_in = length > 0 && other != NULL && _wcsnicmp(whole, other, length) == 0 &&
                 other[length] == L'\\' && other[length + 1] != L'\0';
    plx__free(whole);
    plx__free(other);
    return is_in;
}

/* A directory gives way to another when it is empty, and comes back when that does not come. */
static int directory_replace(const wchar_t *from, const wchar_t *to)
{
    if (!RemoveDirectoryW(to))
        return plx__errno_last();
    if (rename_now(from, to) || MoveFileExW(from, to, 0))
        return 0;
    int status = plx__path_error(to);
    (void)CreateDirectoryW(to, NULL);
    return status;
}

static int path_rename(const wchar_t *from, const wchar_t *to)
{
    DWORD moved = GetFileAttributesW(from);
    if (!is_there(moved))
        return plx__path_error(from);
    DWORD known = GetFileAttributesW(to);
    bool replaces = is_there(known) && _wcsicmp(from, to) != 0;
    if (replaces && is_directory(known) != is_directory(moved))
        return is_directory(known) ? -EISDIR : -ENOTDIR;
    if (replaces && is_same_file(from, to))
        return 0;
    if (is_directory(moved) && is_below(from, to))
        return -EINVAL;
    if (replaces && is_directory(known))
        return directory_replace(from, to);
    if (rename_now(from, to))
        return 0;
    return rename_plainly(from, to, replaces);
}

PLX__CALL int plx_posix_rename(const char *from, const char *to)
{
    int status = 0;
    wchar_t *wide_from = plx__path(from, &status);
    wchar_t *wide_to = wide_from != NULL ? plx__path(to, &status) : NULL;
    if (wide_to != NULL && (dots_error(from) != 0 || dots_error(to) != 0))
        status = -EBUSY;
    else if (wide_to != NULL)
        status = path_rename(wide_from, wide_to);
    plx__free(wide_from);
    plx__free(wide_to);
    return plx__answer_int(status);
}
