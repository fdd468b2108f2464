/* posix/process/spawn_command.c - which program a child runs, and the words it is told: from UTF-8
 * and arrays to the one line and the one block of text that Windows has for them.
 */
#include "posix/process/spawn.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX 32766 /* CreateProcessW: 32,767 characters, with the NUL. */
#define TEXT_MAX (SIZE_MAX / 2 / sizeof(wchar_t))

/* A text that grows. Once memory has run out it stays as it is, and says so at the end. */
typedef struct text {
    wchar_t *at;
    size_t length;
    size_t room;
    bool is_short;
} text;

static void text_add(text *to, const wchar_t *from, size_t count)
{
    if (count >= to->room - to->length) { /* Room for a NUL, too; no sum that overflows. */
        bool fits = !to->is_short && count < TEXT_MAX - to->length;
        size_t room = fits ? (to->length + count + 1) * 2 : 0;
        wchar_t *more = fits ? plx__reallocate(to->at, room * sizeof *more) : NULL;
        if (more == NULL) {
            to->is_short = true;
            return;
        }
        to->at = more;
        to->room = room;
    }
    memcpy(to->at + to->length, from, count * sizeof *from);
    to->length += count;
    to->at[to->length] = L'\0';
}

static void text_repeat(text *to, wchar_t letter, size_t count)
{
    for (; count > 0; count--)
        text_add(to, &letter, 1);
}

static wchar_t *text_end(text *of, int *error_out)
{
    if (!of->is_short)
        return of->at;
    plx__free(of->at);
    *error_out = -ENOMEM;
    return NULL;
}

/* UTF-8; or, where it is not, the code page's, which the C library's own strings are in. */
static wchar_t *wide_of(const char *narrow)
{
    unsigned page = CP_UTF8;
    int count = MultiByteToWideChar(page, MB_ERR_INVALID_CHARS, narrow, -1, NULL, 0);
    if (count == 0) {
        page = CP_ACP;
        count = MultiByteToWideChar(page, 0, narrow, -1, NULL, 0);
    }
    wchar_t *wide = plx__allocate(((size_t)count + 1) * sizeof *wide);
    if (wide == NULL)
        return NULL;
    wide[0] = L'\0';
    (void)MultiByteToWideChar(page, 0, narrow, -1, wide, count);
    return wide;
}

/* --- the line ------------------------------------------------------------------------------- */

/* "Parsing C command-line arguments" (Microsoft's C library): quotes hold words together, and
 * backslashes are themselves unless a quote follows them. Wildcards are quoted too, which mingw-w64
 * programs would expand. */
static void argument_add(text *line, const wchar_t *argument)
{
    if (*argument != L'\0' && wcspbrk(argument, L" \t\n\v\"*?") == NULL) {
        text_add(line, argument, wcslen(argument));
        return;
    }
    text_add(line, L"\"", 1);
    for (;;) {
        size_t slashes = wcsspn(argument, L"\\");
        argument += slashes;
        if (*argument == L'\0') {
            text_repeat(line, L'\\', slashes * 2); /* The closing quote follows. */
            break;
        }
        text_repeat(line, L'\\', *argument == L'"' ? slashes * 2 + 1 : slashes);
        text_add(line, argument++, 1);
    }
    text_add(line, L"\"", 1);
}

wchar_t *plx__spawn_arguments(char *const arguments[], int *error_out)
{
    text line = {NULL, 0, 0, false};
    text_add(&line, L"", 0);
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        wchar_t *wide = wide_of(arguments[i]);
        if (wide == NULL) {
            line.is_short = true;
            break;
        }
        if (i > 0)
            text_add(&line, L" ", 1);
        /* In the name of the program a quote cannot be escaped. */
        bool is_wrong = i == 0 && wcschr(wide, L'"') != NULL;
        argument_add(&line, wide);
        plx__free(wide);
        if (is_wrong || line.length > LINE_MAX) {
            plx__free(line.at);
            *error_out = is_wrong ? -EINVAL : -E2BIG;
            return NULL;
        }
    }
    return text_end(&line, error_out);
}

/* --- the environment ------------------------------------------------------------------------ */

static int name_compare(const void *left, const void *right)
{
    const wchar_t *one = *(wchar_t *const *)left;
    const wchar_t *other = *(wchar_t *const *)right;
    size_t one_length = wcscspn(one + (*one != L'\0'), L"=") + 1;
    size_t other_length = wcscspn(other + (*other != L'\0'), L"=") + 1;
    return CompareStringOrdinal(one, (int)one_length, other, (int)other_length, TRUE) - CSTR_EQUAL;
}

/* Winsock does not start without this one. libuv, too, gives it to who left it out. */
static wchar_t *system_root(wchar_t *const *strings, size_t count)
{
    static const wchar_t name[] = L"SYSTEMROOT=";
    const size_t length = sizeof name / sizeof name[0] - 1;
    for (size_t i = 0; i < count; i++) {
        if (_wcsnicmp(strings[i], name, length) == 0)
            return NULL;
    }
    wchar_t *made = plx__allocate((length + MAX_PATH) * sizeof *made);
    if (made == NULL)
        return NULL;
    memcpy(made, name, sizeof name);
    if (GetEnvironmentVariableW(L"SYSTEMROOT", made + length, MAX_PATH) > 0)
        return made;
    plx__free(made);
    return NULL;
}

/* Sorted without regard to case, as the block must be. */
static wchar_t *block_of(wchar_t **strings, size_t count, int *error_out)
{
    text block = {NULL, 0, 0, false};
    qsort(strings, count, sizeof *strings, name_compare);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || name_compare(&strings[i - 1], &strings[i]) != 0)
            text_add(&block, strings[i], wcslen(strings[i]) + 1);
    }
    if (count == 0)
        text_add(&block, L"", 1);
    text_add(&block, L"", 1);
    return text_end(&block, error_out);
}

wchar_t *plx__spawn_environment(char *const environment[], const wchar_t *addition, int *error_out)
{
    size_t given = 0;
    size_t count = 0;
    while (environment != NULL && environment[given] != NULL)
        given++;
    wchar_t **strings = plx__allocate_zeroed(given + 2, sizeof *strings);
    wchar_t *block = NULL;
    bool is_whole = strings != NULL;
    for (size_t i = 0; is_whole && i < given; i++) {
        strings[count] = wide_of(environment[i]);
        is_whole = strings[count] != NULL;
        if (is_whole && wcsncmp(strings[count], PLX__INHERITED_VARIABLE L"=",
                                wcslen(PLX__INHERITED_VARIABLE) + 1) == 0)
            plx__free(strings[count]); /* Another's. */
        else
            count += is_whole;
    }
    *error_out = -ENOMEM;
    if (is_whole) {
        wchar_t *root = system_root(strings, count);
        size_t size = addition != NULL ? (wcslen(addition) + 1) * sizeof *addition : 0;
        wchar_t *copy = addition != NULL ? plx__allocate(size) : NULL;
        if (root != NULL)
            strings[count++] = root;
        if (copy != NULL) {
            memcpy(copy, addition, size);
            strings[count++] = copy;
        }
        if (copy != NULL || addition == NULL)
            block = block_of(strings, count, error_out);
    }
    for (size_t i = 0; i < count; i++)
        plx__free(strings[i]);
    plx__free(strings);
    return block;
}

/* --- the program ---------------------------------------------------------------------------- */

static bool is_absolute(const char *path)
{
    return path[0] == '/' || path[0] == '\\' || (path[0] != '\0' && path[1] == ':');
}

char *plx__spawn_path(const char *directory, const char *path)
{
    size_t head = directory != NULL && !is_absolute(path) ? strlen(directory) + 1 : 0;
    size_t size = strlen(path) + 1;
    char *whole = plx__allocate(head + size);
    if (whole == NULL)
        return NULL;
    if (head > 0) {
        memcpy(whole, directory, head - 1);
        whole[head - 1] = '/';
    }
    memcpy(whole + head, path, size);
    return whole;
}

wchar_t *plx__spawn_directory(const char *directory, int *error_out)
{
    wchar_t *wide = plx__path(directory, error_out);
    if (wide == NULL)
        return NULL;
    DWORD known = GetFileAttributesW(wide);
    *error_out = known == INVALID_FILE_ATTRIBUTES          ? plx__errno_last()
                 : (known & FILE_ATTRIBUTE_DIRECTORY) == 0 ? -ENOTDIR
                                                           : 0;
    if (*error_out == 0)
        return wide;
    plx__free(wide);
    return NULL;
}

/* 0 for a program of Windows', or what executing it says. Scripts are none: those of cmd.exe
 * because their arguments cannot be quoted safely (CVE-2024-24576), others for want of a reader. */
static int program_check(const wchar_t *path)
{
    DWORD known = GetFileAttributesW(path);
    char head[2];
    DWORD got = 0;
    if (known == INVALID_FILE_ATTRIBUTES)
        return plx__errno_last();
    if ((known & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return -EACCES;
    HANDLE handle = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return plx__errno_last();
    BOOL is_read = ReadFile(handle, head, sizeof head, &got, NULL);
    (void)CloseHandle(handle);
    return is_read && got == sizeof head && memcmp(head, "MZ", sizeof head) == 0 ? 0 : -ENOEXEC;
}

/* Of this name, or of this name with .exe. */
static wchar_t *program_at(const wchar_t *directory, size_t length, const wchar_t *name,
                           int *error_out)
{
    static const wchar_t *const endings[] = {L"", L".exe", L".com"};
    int first = 0;
    for (int i = 0; i < 3; i++) {
        text path = {NULL, 0, 0, false};
        text_add(&path, directory, length);
        if (length > 0 && directory[length - 1] != L'\\')
            text_add(&path, L"\\", 1);
        text_add(&path, name, wcslen(name));
        text_add(&path, endings[i], wcslen(endings[i]));
        wchar_t *candidate = text_end(&path, error_out);
        if (candidate == NULL)
            return NULL;
        *error_out = program_check(candidate);
        if (*error_out == 0)
            return candidate;
        plx__free(candidate);
        if (first == 0 || first == -ENOENT)
            first = *error_out;
    }
    *error_out = first;
    return NULL;
}

/* As POSIX has it: what is there and cannot be run is told only if nothing better follows. */
static wchar_t *program_search(const wchar_t *name, int *error_out)
{
    DWORD size = GetEnvironmentVariableW(L"PATH", NULL, 0);
    wchar_t *path = plx__allocate(((size_t)size + 1) * sizeof *path);
    wchar_t *found = NULL;
    int first = -ENOENT;
    if (path == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    path[0] = L'\0';
    (void)GetEnvironmentVariableW(L"PATH", path, size);
    for (const wchar_t *at = path; found == NULL && *at != L'\0';) {
        size_t length = wcscspn(at, L";");
        int status = -ENOENT;
        if (length > 0)
            found = program_at(at, length, name, &status);
        if (first == -ENOENT)
            first = status;
        at += length + (at[length] == L';');
    }
    plx__free(path);
    *error_out = found != NULL ? 0 : first;
    return found;
}

static wchar_t *whole_path(wchar_t *path, int *error_out)
{
    DWORD size = GetFullPathNameW(path, 0, NULL, NULL);
    wchar_t *whole = plx__allocate(((size_t)size + 1) * sizeof *whole);
    *error_out = whole == NULL ? -ENOMEM : 0;
    if (whole != NULL && GetFullPathNameW(path, size + 1, whole, NULL) == 0) {
        *error_out = plx__errno_last();
        plx__free(whole);
        whole = NULL;
    }
    plx__free(path);
    return whole;
}

wchar_t *plx__spawn_program(const char *name, const char *directory, bool searches, int *error_out)
{
    wchar_t *found = NULL;
    if (name == NULL || *name == '\0') {
        *error_out = name == NULL ? -EFAULT : -ENOENT;
        return NULL;
    }
    if (searches && strpbrk(name, "/\\:") == NULL) {
        wchar_t *wide = wide_of(name);
        *error_out = -ENOMEM;
        if (wide != NULL)
            found = program_search(wide, error_out);
        plx__free(wide);
    } else {
        char *path = plx__spawn_path(directory, name);
        wchar_t *wide = path != NULL ? plx__path(path, error_out) : NULL;
        if (path == NULL)
            *error_out = -ENOMEM;
        if (wide != NULL)
            found = program_at(L"", 0, wide, error_out);
        plx__free(wide);
        plx__free(path);
    }
    return found != NULL ? whole_path(found, error_out) : NULL;
}

/* The names of a program's sections are in its first pages ("PE Format", Microsoft). */
bool plx__spawn_is_ours(const wchar_t *path)
{
    unsigned char head[4096];
    DWORD got = 0;
    HANDLE handle = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                                OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    BOOL is_read = ReadFile(handle, head, sizeof head, &got, NULL);
    (void)CloseHandle(handle);
    if (!is_read || got < sizeof(IMAGE_DOS_HEADER))
        return false;
    uint32_t at;
    memcpy(&at, head + offsetof(IMAGE_DOS_HEADER, e_lfanew), sizeof at);
    if (at > got || got - at < 4 + sizeof(IMAGE_FILE_HEADER) || memcmp(head + at, "PE\0", 4) != 0)
        return false;
    IMAGE_FILE_HEADER file;
    memcpy(&file, head + at + 4, sizeof file);
    size_t section = at + 4 + sizeof file + file.SizeOfOptionalHeader;
    for (unsigned i = 0; i < file.NumberOfSections; i++) {
        if (section + sizeof(IMAGE_SECTION_HEADER) > got)
            return false;
        if (memcmp(head + section, ".plxposx", IMAGE_SIZEOF_SHORT_NAME) == 0)
            return true;
        section += sizeof(IMAGE_SECTION_HEADER);
    }
    return false;
}
