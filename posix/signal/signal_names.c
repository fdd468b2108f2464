/* posix/signal/signal_names.c - what signals are called. The texts are the GNU C library's. */
#include "posix/signal/signal_queue.h"

#include <stdio.h>

typedef struct signal_name {
    const char *name; /* Without "SIG". */
    const char *text;
} signal_name;

static const signal_name names[] = {
    [1] = {"HUP", "Hangup"},
    [2] = {"INT", "Interrupt"},
    [3] = {"QUIT", "Quit"},
    [4] = {"ILL", "Illegal instruction"},
    [5] = {"TRAP", "Trace/breakpoint trap"},
    [7] = {"BUS", "Bus error"},
    [8] = {"FPE", "Floating point exception"},
    [9] = {"KILL", "Killed"},
    [10] = {"USR1", "User defined signal 1"},
    [11] = {"SEGV", "Segmentation fault"},
    [12] = {"USR2", "User defined signal 2"},
    [13] = {"PIPE", "Broken pipe"},
    [14] = {"ALRM", "Alarm clock"},
    [15] = {"TERM", "Terminated"},
    [17] = {"CHLD", "Child exited"},
    [18] = {"CONT", "Continued"},
    [19] = {"STOP", "Stopped (signal)"},
    [20] = {"TSTP", "Stopped"},
    [21] = {"BREAK", "Ctrl-Break"}, /* Microsoft's. */
    [22] = {"ABRT", "Aborted"},
    [23] = {"URG", "Urgent I/O condition"},
    [24] = {"TTIN", "Stopped (tty input)"},
    [25] = {"TTOU", "Stopped (tty output)"},
    [26] = {"VTALRM", "Virtual timer expired"},
    [27] = {"XCPU", "CPU time limit exceeded"},
    [28] = {"XFSZ", "File size limit exceeded"},
    [29] = {"PROF", "Profiling timer expired"},
    [30] = {"WINCH", "Window changed"},
    [31] = {"POLL", "I/O possible"},
    [32] = {"SYS", "Bad system call"},
    [33] = {"PWR", "Power failure"},
};

static signal_name name_of(int number)
{
    signal_name none = {NULL, NULL};
    return number > 0 && (size_t)number < sizeof names / sizeof *names ? names[number] : none;
}

PLX__CALL const char *plx_posix_sigabbrev_np(int number)
{
    return name_of(number).name;
}

PLX__CALL const char *plx_posix_sigdescr_np(int number)
{
    return name_of(number).text;
}

PLX__CALL const char *plx_posix_strsignal(int number)
{
    static _Thread_local char unknown[32];
    const char *text = name_of(number).text;
    if (text != NULL)
        return text;
    bool is_real_time = number >= PLX__SIGRTMIN && number <= PLX__SIGNALS;
    (void)snprintf(unknown, sizeof unknown,
                   is_real_time ? "Real-time signal %d" : "Unknown signal %d",
                   is_real_time ? number - PLX__SIGRTMIN : number);
    return unknown;
}

PLX__CALL void plx_posix_psignal(int number, const char *text)
{
    fprintf(stderr, "%s: %s\n", text, plx_posix_strsignal(number));
}
