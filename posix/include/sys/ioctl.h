/* sys/ioctl.h - FIONREAD, FIONBIO, the size of the console, and interfaces. */
#ifndef PLX_POSIX_SYS_IOCTL_H
#define PLX_POSIX_SYS_IOCTL_H

#include <plx_posix/base.h>

#define FIONREAD   0x4004667f
#define FIONBIO    0x8004667e
#define FIOASYNC   0x8004667d
#define SIOCATMARK 0x40047307
#define TIOCGWINSZ 0x5413

/* Of any socket, with the structures of net/if.h. */
#define SIOCGIFNAME    0x8910
#define SIOCGIFCONF    0x8912
#define SIOCGIFFLAGS   0x8913
#define SIOCGIFADDR    0x8915
#define SIOCGIFBRDADDR 0x8919
#define SIOCGIFNETMASK 0x891b
#define SIOCGIFMTU     0x8921
#define SIOCGIFHWADDR  0x8927
#define SIOCGIFINDEX   0x8933

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
