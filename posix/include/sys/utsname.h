/* sys/utsname.h - what this machine calls itself. */
#ifndef PLX_POSIX_SYS_UTSNAME_H
#define PLX_POSIX_SYS_UTSNAME_H

#include <plx_posix/base.h>

struct utsname {
    char sysname[65];
    char nodename[65];
    char release[65];
    char version[65];
    char machine[65];
};

PLX_POSIX_BEGIN

int uname(struct utsname *about) PLX_POSIX_NEW(uname);

PLX_POSIX_END
#endif
