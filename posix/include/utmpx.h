/* utmpx.h - who is logged in, of which there is no record. */
#ifndef PLX_POSIX_UTMPX_H
#define PLX_POSIX_UTMPX_H

#include <sys/time.h>

#include <plx_posix/base.h>

#define EMPTY         0
#define BOOT_TIME     2
#define NEW_TIME      3
#define OLD_TIME      4
#define INIT_PROCESS  5
#define LOGIN_PROCESS 6
#define USER_PROCESS  7
#define DEAD_PROCESS  8

struct utmpx {
    short ut_type;
    pid_t ut_pid;
    char ut_line[32];
    char ut_id[4];
    char ut_user[32];
    char ut_host[256];
    struct timeval ut_tv;
};

PLX_POSIX_BEGIN

void setutxent(void) PLX_POSIX_NEW(setutxent);
void endutxent(void) PLX_POSIX_NEW(endutxent);
struct utmpx *getutxent(void) PLX_POSIX_NEW(getutxent);
struct utmpx *getutxid(const struct utmpx *wanted) PLX_POSIX_NEW(getutxid);
struct utmpx *getutxline(const struct utmpx *wanted) PLX_POSIX_NEW(getutxline);
struct utmpx *pututxline(const struct utmpx *entry) PLX_POSIX_NEW(pututxline);

PLX_POSIX_END
#endif
