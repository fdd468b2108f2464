/* termios.h - of a console: whether it echoes, waits for lines and sends signals. */
#ifndef PLX_POSIX_TERMIOS_H
#define PLX_POSIX_TERMIOS_H

#include <plx_posix/base.h>

typedef unsigned int tcflag_t;
typedef unsigned char cc_t;
typedef unsigned int speed_t;

#define NCCS      20
#define VMIN      6
#define VTIME     5
#define ISIG      0x1
#define ICANON    0x2
#define ECHO      0x8
#define ECHOE     0x10
#define ECHOK     0x20
#define ECHONL    0x40
#define IEXTEN    0x8000
#define ICRNL     0x100
#define IXON      0x400
#define OPOST     0x1
#define TCSANOW   0
#define TCSADRAIN 1
#define TCSAFLUSH 2

struct termios {
    tcflag_t c_iflag;
    tcflag_t c_oflag;
    tcflag_t c_cflag;
    tcflag_t c_lflag;
    cc_t c_cc[NCCS];
};

PLX_POSIX_BEGIN

int tcgetattr(int fd, struct termios *state) PLX_POSIX_NEW(tcgetattr);
int tcsetattr(int fd, int when, const struct termios *state) PLX_POSIX_NEW(tcsetattr);

PLX_POSIX_END
#endif
