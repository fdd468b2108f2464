/* termios.h - of a console: whether it echoes, waits for lines and sends signals. What else there
 * is can be named and kept, to no effect; a console has no speed.
 */
#ifndef PLX_POSIX_TERMIOS_H
#define PLX_POSIX_TERMIOS_H

#include <sys/types.h>

#include <plx_posix/base.h>

typedef unsigned int tcflag_t;
typedef unsigned char cc_t;
typedef unsigned int speed_t;

#define NCCS 32

#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSWTC    7
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE  14
#define VLNEXT   15
#define VEOL2    16

#define _POSIX_VDISABLE 0

/* c_iflag */
#define IGNBRK  0x1
#define BRKINT  0x2
#define IGNPAR  0x4
#define PARMRK  0x8
#define INPCK   0x10
#define ISTRIP  0x20
#define INLCR   0x40
#define IGNCR   0x80
#define ICRNL   0x100
#define IUCLC   0x200
#define IXON    0x400
#define IXANY   0x800
#define IXOFF   0x1000
#define IMAXBEL 0x2000
#define IUTF8   0x4000

/* c_oflag */
#define OPOST  0x1
#define OLCUC  0x2
#define ONLCR  0x4
#define OCRNL  0x8
#define ONOCR  0x10
#define ONLRET 0x20
#define OFILL  0x40
#define OFDEL  0x80
#define NLDLY  0x100
#define NL0    0
#define NL1    0x100
#define CRDLY  0x600
#define CR0    0
#define CR1    0x200
#define CR2    0x400
#define CR3    0x600
#define TABDLY 0x1800
#define TAB0   0
#define TAB1   0x800
#define TAB2   0x1000
#define TAB3   0x1800
#define XTABS  0x1800
#define BSDLY  0x2000
#define BS0    0
#define BS1    0x2000
#define VTDLY  0x4000
#define VT0    0
#define VT1    0x4000
#define FFDLY  0x8000
#define FF0    0
#define FF1    0x8000

/* c_cflag */
#define CSIZE   0x30
#define CS5     0
#define CS6     0x10
#define CS7     0x20
#define CS8     0x30
#define CSTOPB  0x40
#define CREAD   0x80
#define PARENB  0x100
#define PARODD  0x200
#define HUPCL   0x400
#define CLOCAL  0x800
#define CRTSCTS 0x80000000u

/* c_lflag */
#define ISIG    0x1
#define ICANON  0x2
#define ECHO    0x8
#define ECHOE   0x10
#define ECHOK   0x20
#define ECHONL  0x40
#define NOFLSH  0x80
#define TOSTOP  0x100
#define ECHOCTL 0x200
#define ECHOPRT 0x400
#define ECHOKE  0x800
#define FLUSHO  0x1000
#define PENDIN  0x4000
#define IEXTEN  0x8000

#define TCSANOW   0
#define TCSADRAIN 1
#define TCSAFLUSH 2

#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2
#define TCOOFF    0
#define TCOON     1
#define TCIOFF    2
#define TCION     3

#define B0       0
#define B50      1
#define B75      2
#define B110     3
#define B134     4
#define B150     5
#define B200     6
#define B300     7
#define B600     8
#define B1200    9
#define B1800    10
#define B2400    11
#define B4800    12
#define B9600    13
#define B19200   14
#define B38400   15
#define EXTA     B19200
#define EXTB     B38400
#define B57600   0x1001
#define B115200  0x1002
#define B230400  0x1003
#define B460800  0x1004
#define B500000  0x1005
#define B576000  0x1006
#define B921600  0x1007
#define B1000000 0x1008
#define B1152000 0x1009
#define B1500000 0x100a
#define B2000000 0x100b
#define B2500000 0x100c
#define B3000000 0x100d
#define B3500000 0x100e
#define B4000000 0x100f

struct termios {
    tcflag_t c_iflag;
    tcflag_t c_oflag;
    tcflag_t c_cflag;
    tcflag_t c_lflag;
    cc_t c_line;
    cc_t c_cc[NCCS];
    speed_t c_ispeed;
    speed_t c_ospeed;
};

PLX_POSIX_BEGIN

int tcgetattr(int fd, struct termios *state) PLX_POSIX_NEW(tcgetattr);
int tcsetattr(int fd, int when, const struct termios *state) PLX_POSIX_NEW(tcsetattr);
int tcdrain(int fd) PLX_POSIX_NEW(tcdrain);
int tcflow(int fd, int action) PLX_POSIX_NEW(tcflow);
int tcflush(int fd, int queue) PLX_POSIX_NEW(tcflush);
int tcsendbreak(int fd, int duration) PLX_POSIX_NEW(tcsendbreak);
pid_t tcgetsid(int fd) PLX_POSIX_NEW(tcgetsid);
speed_t cfgetispeed(const struct termios *state) PLX_POSIX_NEW(cfgetispeed);
speed_t cfgetospeed(const struct termios *state) PLX_POSIX_NEW(cfgetospeed);
int cfsetispeed(struct termios *state, speed_t speed) PLX_POSIX_NEW(cfsetispeed);
int cfsetospeed(struct termios *state, speed_t speed) PLX_POSIX_NEW(cfsetospeed);
int cfsetspeed(struct termios *state, speed_t speed) PLX_POSIX_NEW(cfsetspeed);
void cfmakeraw(struct termios *state) PLX_POSIX_NEW(cfmakeraw);

PLX_POSIX_END
#endif
