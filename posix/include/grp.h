/* grp.h - groups: there is one. */
#ifndef PLX_POSIX_GRP_H
#define PLX_POSIX_GRP_H

#include <plx_posix/base.h>

struct group {
    char *gr_name;
    char *gr_passwd;
    gid_t gr_gid;
    char **gr_mem;
};

PLX_POSIX_BEGIN

struct group *getgrnam(const char *name) PLX_POSIX_NEW(getgrnam);
struct group *getgrgid(gid_t group) PLX_POSIX_NEW(getgrgid);
int getgrnam_r(const char *name, struct group *group, char *text, size_t size,
               struct group **result) PLX_POSIX_NEW(getgrnam_r);
int getgrgid_r(gid_t number, struct group *group, char *text, size_t size, struct group **result)
    PLX_POSIX_NEW(getgrgid_r);
struct group *getgrent(void) PLX_POSIX_NEW(getgrent);
void setgrent(void) PLX_POSIX_NEW(setgrent);
void endgrent(void) PLX_POSIX_NEW(endgrent);
int setgroups(size_t count, const gid_t *groups) PLX_POSIX_NEW(setgroups);
int initgroups(const char *user, gid_t group) PLX_POSIX_NEW(initgroups);

PLX_POSIX_END
#endif
