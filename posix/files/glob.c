/* posix/files/glob.c - glob(): the paths that there are of a pattern.
 *
 * The pattern is gone through component by component. What has no star, question mark or bracket
 * is taken as it is, and looked for at the end only; what has is compared with each name of the
 * directory that was reached.
 */
#include "posix/base/base.h"

#include <stdlib.h>
#include <string.h>

enum {
    STOP_AT_ERRORS = 1 << 0,
    MARK_DIRECTORIES = 1 << 1,
    NO_SORT = 1 << 2,
    HAS_OFFSET = 1 << 3,
    OR_PATTERN = 1 << 4,
    APPEND = 1 << 5,
    NO_ESCAPE = 1 << 6,
    HIDDEN_TOO = 1 << 7,
    OR_PLAIN_PATTERN = 1 << 11,
    DIRECTORIES_ONLY = 1 << 13
};
enum { NO_SPACE = 1, ABORTED = 2, NO_MATCH = 3 };
enum { NAMES_ESCAPE = 1 << 1, NAMES_HIDE = 1 << 2 }; /* fnmatch()'s. */

/* As glob_t. */
typedef struct results {
    size_t count;
    char **paths;
    size_t offset;
    int flags;
} results;

typedef struct search {
    results *into;
    size_t found;
    int flags;
    int (*on_error)(const char *path, int code);
    char *path; /* What has been reached. */
    size_t length;
    size_t room;
} search;

typedef struct plx_posix_directory directory;
directory *plx_posix_opendir(const char *path);
plx__dirent *plx_posix_readdir(directory *of);
int plx_posix_closedir(directory *of);
int plx_posix_stat(const char *path, plx__stat *about);
int plx_posix_lstat(const char *path, plx__stat *about);
int plx_posix_fnmatch(const char *pattern, const char *text, int flags);

static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '*' || text[i] == '?' || text[i] == '[')
            return false;
    }
    return true;
}

/* Room for so many bytes more and their end. */
static bool path_reserve(search *of, size_t more)
{
    if (of->length + more < of->room)
        return true;
    size_t room = 2 * (of->length + more + 64);
    char *path = realloc(of->path, room);
    if (path == NULL)
        return false;
    of->path = path;
    of->room = room;
    return true;
}

static bool path_add(search *of, const char *text, size_t length, bool is_escaped)
{
    if (!path_reserve(of, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (is_escaped && text[i] == '\\' && i + 1 < length)
            i++;
        of->path[of->length++] = text[i];
    }
    of->path[of->length] = '\0';
    return true;
}

static void path_cut(search *of, size_t length)
{
    of->length = length;
    of->path[length] = '\0';
}

static int found_add(search *of, const char *text, bool has_mark)
{
    results *into = of->into;
    size_t at = into->offset + into->count;
    size_t length = strlen(text);
    char **paths = realloc(into->paths, (at + 2) * sizeof *paths);
    char *copy = paths != NULL ? malloc(length + 2) : NULL;
    if (paths != NULL)
        into->paths = paths;
    if (copy == NULL)
        return NO_SPACE;
    memcpy(copy, text, length + 1);
    if (has_mark)
        memcpy(copy + length, "/", 2);
    paths[at] = copy;
    paths[at + 1] = NULL;
    into->count++;
    of->found++;
    return 0;
}

/* The pattern is at its end: the path counts if there is such a file. */
static int path_end(search *of)
{
    plx__stat about;
    if (plx_posix_lstat(of->path, &about) != 0)
        return 0;
    bool is_directory = plx_posix_stat(of->path, &about) == 0 && (about.mode & PLX__S_IFDIR) != 0 &&
                        (about.mode & PLX__S_IFREG) == 0;
    if (!is_directory && (of->flags & DIRECTORIES_ONLY) != 0)
        return 0;
    bool has_slash = of->length > 0 && of->path[of->length - 1] == '/';
    return found_add(of, of->path,
                     is_directory && !has_slash && (of->flags & MARK_DIRECTORIES) != 0);
}

static int descend(search *of, const char *pattern);

static int names_try(search *of, directory *from, const char *component, const char *rest)
{
    const int flags = ((of->flags & NO_ESCAPE) != 0 ? NAMES_ESCAPE : 0) |
                      ((of->flags & HIDDEN_TOO) != 0 ? 0 : NAMES_HIDE);
    size_t before = of->length;
    int status = 0;
    for (plx__dirent *entry; status == 0 && (entry = plx_posix_readdir(from)) != NULL;) {
        /* Windows would find "file/.." where it stands. */
        bool leads_on = entry->type != PLX__DT_REG && entry->type != PLX__DT_SOCK;
        if (plx_posix_fnmatch(component, entry->name, flags) != 0 || (*rest != '\0' && !leads_on))
            continue;
        if (!path_add(of, entry->name, strlen(entry->name), false))
            return NO_SPACE;
        status = descend(of, rest);
        path_cut(of, before);
    }
    return status;
}

/* One component with something to be matched, and what follows it. */
static int component_match(search *of, const char *pattern, size_t length)
{
    char *component = malloc(length + 1);
    if (component == NULL)
        return NO_SPACE;
    memcpy(component, pattern, length);
    component[length] = '\0';
    int status = 0;
    directory *from = plx_posix_opendir(of->length > 0 ? of->path : ".");
    if (from != NULL) {
        status = names_try(of, from, component, pattern + length);
        (void)plx_posix_closedir(from);
    } else if (errno == ENOMEM) {
        status = NO_SPACE;
    } else if (errno != ENOTDIR && ((of->on_error != NULL &&
                                     of->on_error(of->length > 0 ? of->path : ".", errno) != 0) ||
                                    (of->flags & STOP_AT_ERRORS) != 0)) {
        status = ABORTED;
    }
    free(component);
    return status;
}

static int descend(search *of, const char *pattern)
{
    size_t before = of->length;
    int status = 0;
    size_t slashes = strspn(pattern, "/");
    size_t length = strcspn(pattern + slashes, "/");
    if (!path_add(of, pattern, slashes, false))
        return NO_SPACE;
    pattern += slashes;
    if (length == 0)
        status = path_end(of);
    else if (!is_plain(pattern, length))
        status = component_match(of, pattern, length);
    else if (!path_add(of, pattern, length, (of->flags & NO_ESCAPE) == 0))
        status = NO_SPACE;
    else
        status = descend(of, pattern + length);
    path_cut(of, before);
    return status;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

PLX__CALL void plx_posix_globfree(results *of)
{
    for (size_t i = 0; of->paths != NULL && i < of->count; i++)
        free(of->paths[of->offset + i]);
    free(of->paths);
    of->paths = NULL;
    of->count = 0;
}

/* What a call starts with; those of earlier calls stay when it appends. */
static bool results_start(results *of, int flags)
{
    if ((flags & APPEND) == 0) {
        of->count = 0;
        of->paths = NULL;
    }
    if ((flags & HAS_OFFSET) == 0)
        of->offset = 0;
    of->flags = flags;
    if (of->paths != NULL)
        return true;
    of->paths = calloc(of->offset + 1, sizeof *of->paths);
    return of->paths != NULL;
}

PLX__CALL int plx_posix_glob(const char *pattern, int flags,
                             int (*on_error)(const char *path, int code), results *out)
{
    search of = {.into = out, .flags = flags, .on_error = on_error};
    bool has_room = results_start(out, flags) && path_reserve(&of, 0);
    if (!has_room) {
        free(of.path);
        return NO_SPACE;
    }
    of.path[0] = '\0';
    size_t before = out->count;
    int status = descend(&of, pattern);
    bool is_taken = (flags & OR_PATTERN) != 0 ||
                    ((flags & OR_PLAIN_PATTERN) != 0 && is_plain(pattern, strlen(pattern)));
    if (status == 0 && of.found == 0)
        status = is_taken ? found_add(&of, pattern, false) : NO_MATCH;
    if ((flags & NO_SORT) == 0 && of.found > 1)
        qsort(out->paths + out->offset + before, of.found, sizeof *out->paths, by_name);
    free(of.path);
    return status;
}
