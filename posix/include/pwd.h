/* pwd.h - users: there is one, who runs the program. */
#ifndef PLX_POSIX_PWD_H
#define PLX_POSIX_PWD_H

#include <plx_posix/base.h>

struct passwd {
    char *pw_name;
    char *pw_passwd;
    uid_t pw_uid;
    gid_t pw_gid;
    char *pw_gecos;
    char *pw_dir;
    char *pw_shell;
};

PLX_POSIX_BEGIN

struct passwd *getpwnam(const char *name) PLX_POSIX_NEW(getpwnam);
struct passwd *getpwuid(uid_t user) PLX_POSIX_NEW(getpwuid);
int getpwnam_r(const char *name, struct passwd *user, char *text, size_t size,
               struct passwd **result) PLX_POSIX_NEW(getpwnam_r);
int getpwuid_r(uid_t number, struct passwd *user, char *text, size_t size, struct passwd **result)
    PLX_POSIX_NEW(getpwuid_r);
struct passwd *getpwent(void) PLX_POSIX_NEW(getpwent);
void setpwent(void) PLX_POSIX_NEW(setpwent);
void endpwent(void) PLX_POSIX_NEW(endpwent);

PLX_POSIX_END
#endif
