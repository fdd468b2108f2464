/* posix/system/users.c - the forms of getpwnam(), getgrnam() and readdir() that write to the
 * caller's memory, and the lists of users and groups, which have one entry each.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* What is left of a caller's memory. */
typedef struct room {
    char *at;
    size_t size;
} room;

/* Copies a text there; false when it does not fit. */
static bool text_put(room *to, char **text)
{
    size_t size = strlen(*text) + 1;
    if (size > to->size)
        return false;
    *text = memcpy(to->at, *text, size);
    to->at += size;
    to->size -= size;
    return true;
}

/* --- users ---------------------------------------------------------------------------------- */

static int user_give(const struct passwd *found, struct passwd *user, room to,
                     struct passwd **result)
{
    *result = NULL;
    if (found == NULL)
        return 0;
    *user = *found;
    if (!text_put(&to, &user->pw_name) || !text_put(&to, &user->pw_passwd) ||
        !text_put(&to, &user->pw_gecos) || !text_put(&to, &user->pw_dir) ||
        !text_put(&to, &user->pw_shell))
        return ERANGE;
    *result = user;
    return 0;
}

int getpwnam_r(const char *name, struct passwd *user, char *text, size_t size,
               struct passwd **result)
{
    return user_give(getpwnam(name), user, (room){text, size}, result);
}

int getpwuid_r(uid_t number, struct passwd *user, char *text, size_t size, struct passwd **result)
{
    return user_give(getpwuid(number), user, (room){text, size}, result);
}

static bool users_are_told;

void setpwent(void)
{
    users_are_told = false;
}

void endpwent(void)
{
    users_are_told = false;
}

struct passwd *getpwent(void)
{
    if (users_are_told)
        return NULL;
    users_are_told = true;
    return getpwuid(getuid());
}

/* --- groups --------------------------------------------------------------------------------- */

static int group_give(const struct group *found, struct group *group, room to,
                      struct group **result)
{
    *result = NULL;
    if (found == NULL)
        return 0;
    *group = *found;
    size_t skipped = -(uintptr_t)to.at % sizeof(char *);
    if (to.size < skipped + sizeof(char *))
        return ERANGE;
    group->gr_mem = (char **)(void *)(to.at + skipped);
    group->gr_mem[0] = NULL; /* Nobody but whose own group it is. */
    to.at += skipped + sizeof(char *);
    to.size -= skipped + sizeof(char *);
    if (!text_put(&to, &group->gr_name) || !text_put(&to, &group->gr_passwd))
        return ERANGE;
    *result = group;
    return 0;
}

int getgrnam_r(const char *name, struct group *group, char *text, size_t size,
               struct group **result)
{
    return group_give(getgrnam(name), group, (room){text, size}, result);
}

int getgrgid_r(gid_t number, struct group *group, char *text, size_t size, struct group **result)
{
    return group_give(getgrgid(number), group, (room){text, size}, result);
}

static bool groups_are_told;

void setgrent(void)
{
    groups_are_told = false;
}

void endgrent(void)
{
    groups_are_told = false;
}

struct group *getgrent(void)
{
    if (groups_are_told)
        return NULL;
    groups_are_told = true;
    return getgrgid(getgid());
}

/* --- directories ---------------------------------------------------------------------------- */

int readdir_r(DIR *directory, struct dirent *entry, struct dirent **result)
{
    int before = errno;
    errno = 0;
    const struct dirent *found = readdir(directory);
    int code = errno;
    errno = before;
    if (found != NULL)
        memcpy(entry, found, found->d_reclen);
    *result = found != NULL ? entry : NULL;
    return code;
}
