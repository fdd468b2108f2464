/* posix/files/terminal.c - what programs ask of a terminal, which is a console here: termios(3).
 *
 * A console echoes, waits for lines, and makes signals of keys, or does not. The rest of a struct
 * termios is what Linux says of a terminal of its own.
 */
#include "posix/files/files.h"

#include <string.h>

int plx_posix_isatty(int fd);

/* As struct termios. */
typedef struct console_state {
    unsigned input;
    unsigned output;
    unsigned control;
    unsigned local;
    unsigned char line;
    unsigned char characters[32];
    unsigned input_speed;
    unsigned output_speed;
} console_state;

enum { CONSOLE_SIGNALS = 0x1, CONSOLE_LINES = 0x2, CONSOLE_ECHOES = 0x8 };

/* Of a terminal that is edited by lines: ICRNL, IXON; OPOST, ONLCR; CS8, CREAD, 38,400 baud. */
#define INPUT   0x500u
#define OUTPUT  0x5u
#define CONTROL 0xbfu
#define LOCAL   0x8a30u /* IEXTEN, ECHOE, ECHOK, ECHOCTL, ECHOKE. */

PLX__CALL char *plx_posix_ttyname(int fd)
{
    static char name[] = "/dev/tty";
    return plx_posix_isatty(fd) ? name : NULL;
}

/* By its name, whether there is one or not. */
PLX__CALL char *plx_posix_ctermid(char *name)
{
    static char own[9];
    return strcpy(name != NULL ? name : own, "/dev/tty");
}

/* The input of the console that a descriptor is of, which may be of its screen: a handle to be
 * closed, and its mode. */
static int console_input(int fd, HANDLE *input_out, DWORD *mode_out)
{
    DWORD count;
    HANDLE input = INVALID_HANDLE_VALUE;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    bool is_console = file->kind == &plx__stream_kind && GetConsoleMode(file->handle, mode_out);
    if (is_console && GetNumberOfConsoleInputEvents(file->handle, &count)) {
        if (!DuplicateHandle(GetCurrentProcess(), file->handle, GetCurrentProcess(), &input, 0,
                             FALSE, DUPLICATE_SAME_ACCESS))
            input = INVALID_HANDLE_VALUE;
    } else if (is_console) {
        input = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE,
                            FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    }
    (void)plx__file_put(file);
    if (input == INVALID_HANDLE_VALUE)
        return is_console ? plx__errno_last() : -ENOTTY;
    *input_out = input;
    if (GetConsoleMode(input, mode_out))
        return 0;
    (void)CloseHandle(input);
    return -ENOTTY;
}

PLX__CALL int plx_posix_tcgetattr(int fd, console_state *state)
{
    static const unsigned char characters[32] = {3,  28, 127, 21, 4,  0,  1,  0,
                                                 17, 19, 26,  0,  18, 15, 23, 22};
    HANDLE input = INVALID_HANDLE_VALUE;
    DWORD mode = 0;
    int status = console_input(fd, &input, &mode);
    if (status != 0)
        return plx__answer_int(status);
    *state = (console_state){.input = INPUT, .output = OUTPUT, .control = CONTROL, .local = LOCAL};
    memcpy(state->characters, characters, sizeof characters);
    state->input_speed = state->output_speed = CONTROL & 0xfu;
    state->local |= ((mode & ENABLE_PROCESSED_INPUT) != 0 ? CONSOLE_SIGNALS : 0u) |
                    ((mode & ENABLE_LINE_INPUT) != 0 ? CONSOLE_LINES : 0u) |
                    ((mode & ENABLE_ECHO_INPUT) != 0 ? CONSOLE_ECHOES : 0u);
    (void)CloseHandle(input);
    return 0;
}

PLX__CALL int plx_posix_tcsetattr(int fd, int when, const console_state *state)
{
    HANDLE input = INVALID_HANDLE_VALUE;
    DWORD mode = 0;
    if (when < 0 || when > 2)
        return plx__answer_int(-EINVAL);
    int status = console_input(fd, &input, &mode);
    if (status != 0)
        return plx__answer_int(status);
    mode &= ~(DWORD)(ENABLE_PROCESSED_INPUT | ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT);
    mode |= ((state->local & CONSOLE_SIGNALS) != 0 ? ENABLE_PROCESSED_INPUT : 0u) |
            ((state->local & CONSOLE_LINES) != 0 ? ENABLE_LINE_INPUT : 0u);
    /* A console echoes lines only. */
    if ((state->local & (CONSOLE_ECHOES | CONSOLE_LINES)) == (CONSOLE_ECHOES | CONSOLE_LINES))
        mode |= ENABLE_ECHO_INPUT;
    if (when == 2) /* TCSAFLUSH. */
        (void)FlushConsoleInputBuffer(input);
    if (!SetConsoleMode(input, mode))
        status = plx__errno_last();
    (void)CloseHandle(input);
    return plx__answer_int(status);
}

/* 0 for a console, which sends at once and holds nothing back. */
static int console_check(int fd)
{
    HANDLE input = INVALID_HANDLE_VALUE;
    DWORD mode;
    int status = console_input(fd, &input, &mode);
    if (status == 0)
        (void)CloseHandle(input);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_tcdrain(int fd)
{
    return console_check(fd);
}

PLX__CALL int plx_posix_tcflow(int fd, int action)
{
    (void)action;
    return console_check(fd);
}

PLX__CALL int plx_posix_tcsendbreak(int fd, int duration)
{
    (void)duration;
    return console_check(fd);
}

PLX__CALL int plx_posix_tcflush(int fd, int queue)
{
    HANDLE input = INVALID_HANDLE_VALUE;
    DWORD mode;
    int status = console_input(fd, &input, &mode);
    if (status != 0)
        return plx__answer_int(status);
    if (queue != 1) /* TCOFLUSH: what is written is out already. */
        (void)FlushConsoleInputBuffer(input);
    (void)CloseHandle(input);
    return 0;
}

PLX__CALL int plx_posix_tcgetsid(int fd)
{
    return console_check(fd) == 0 ? (int)GetCurrentProcessId() : -1;
}

/* The one process group there is stays the console's. */
PLX__CALL int plx_posix_tcsetpgrp(int fd, int group)
{
    if (console_check(fd) != 0)
        return -1;
    return group == (int)GetCurrentProcessId() ? 0 : plx__answer_int(-EPERM);
}

/* --- speeds, of which a console has none ------------------------------------------------------ */

#define SPEED_BITS      0x100fu
#define SPEED_LEAST     0x1001u
#define SPEED_MOST      0x100fu
#define INPUT_AS_OUTPUT 0x80000000u

PLX__CALL unsigned plx_posix_cfgetospeed(const console_state *state)
{
    return state->control & SPEED_BITS;
}

PLX__CALL unsigned plx_posix_cfgetispeed(const console_state *state)
{
    return (state->input & INPUT_AS_OUTPUT) != 0 ? 0 : state->control & SPEED_BITS;
}

PLX__CALL int plx_posix_cfsetospeed(console_state *state, unsigned speed)
{
    if (speed > 0xf && (speed < SPEED_LEAST || speed > SPEED_MOST))
        return plx__answer_int(-EINVAL);
    state->output_speed = speed;
    state->control = (state->control & ~SPEED_BITS) | speed;
    return 0;
}

PLX__CALL int plx_posix_cfsetispeed(console_state *state, unsigned speed)
{
    if (speed > 0xf && (speed < SPEED_LEAST || speed > SPEED_MOST))
        return plx__answer_int(-EINVAL);
    state->input_speed = speed;
    if (speed == 0) {
        state->input |= INPUT_AS_OUTPUT;
        return 0;
    }
    state->input &= ~INPUT_AS_OUTPUT;
    state->control = (state->control & ~SPEED_BITS) | speed;
    return 0;
}

/* Takes 9600 as well as B9600. */
PLX__CALL int plx_posix_cfsetspeed(console_state *state, unsigned speed)
{
    static const unsigned bauds[][2] = {
        {50, 1},           {75, 2},           {110, 3},          {134, 4},
        {150, 5},          {200, 6},          {300, 7},          {600, 8},
        {1200, 9},         {1800, 10},        {2400, 11},        {4800, 12},
        {9600, 13},        {19200, 14},       {38400, 15},       {57600, 0x1001},
        {115200, 0x1002},  {230400, 0x1003},  {460800, 0x1004},  {500000, 0x1005},
        {576000, 0x1006},  {921600, 0x1007},  {1000000, 0x1008}, {1152000, 0x1009},
        {1500000, 0x100a}, {2000000, 0x100b}, {2500000, 0x100c}, {3000000, 0x100d},
        {3500000, 0x100e}, {4000000, 0x100f},
    };
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        if (speed == bauds[i][0])
            speed = bauds[i][1];
    }
    int result = plx_posix_cfsetispeed(state, speed);
    return result == 0 ? plx_posix_cfsetospeed(state, speed) : result;
}

/* As the man page of cfmakeraw has it: each key at once, nothing added, nothing echoed. */
PLX__CALL void plx_posix_cfmakeraw(console_state *state)
{
    enum { MINIMUM = 6, TIME = 5 };
    state->input &= ~0x5ebu;  /* IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON */
    state->output &= ~0x1u;   /* OPOST */
    state->local &= ~0x804bu; /* ECHO ECHONL ICANON ISIG IEXTEN */
    state->control = (state->control & ~0x130u) | 0x30u; /* CSIZE PARENB; CS8 */
    state->characters[MINIMUM] = 1;
    state->characters[TIME] = 0;
}

/* --- pseudo-terminals, which there are none of ---------------------------------------------- */

/* No descriptor is the master's side of one. */
static int master_refuse(int fd, int code)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    (void)plx__file_put(file);
    return code;
}

PLX__CALL int plx_posix_posix_openpt(int flags)
{
    (void)flags;
    return plx__answer_int(-ENOSYS);
}

PLX__CALL int plx_posix_grantpt(int fd)
{
    return plx__answer_int(master_refuse(fd, -EINVAL));
}

PLX__CALL int plx_posix_unlockpt(int fd)
{
    return plx__answer_int(master_refuse(fd, -EINVAL));
}

PLX__CALL char *plx_posix_ptsname(int fd)
{
    errno = -master_refuse(fd, -ENOTTY);
    return NULL;
}
