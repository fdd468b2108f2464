/* sys/ioctl.h - FIONREAD, FIONBIO and the size of the console. */
#ifndef PLX_POSIX_SYS_IOCTL_H
#define PLX_POSIX_SYS_IOCTL_H

#include <plx_posix/base.h>

#define FIONREAD   0x4004667f
#define FIONBIO    0x8004667e
#define FIOASYNC   0x8004667d
#define SIOCATMARK 0x40047307
#define TIOCGWINSZ 0x5413

struct winsize {
    unsigned short ws_row;
    unsigned short ws_col;
    unsigned short ws_xpixel;
    unsigned short ws_ypixel;
};

PLX_POSIX_BEGIN

int ioctl(int fd, unsigned long request, ...) PLX_POSIX_NEW(ioctl);

PLX_POSIX_END
#endif
