/* posix/system/messages.c - what a program says of itself: syslog(), err(), warn() and psiginfo().
 *
 * This file speaks POSIX, but for the two calls that reach the event log.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "posix/system/event_log.h"

static const char *log_name;
static int log_options;
static int log_mask = 0xff;

static const char *program_name(void)
{
    const char *path = _pgmptr != NULL ? _pgmptr : "program";
    const char *name = path;
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '\\' || *at == '/')
            name = at + 1;
    }
    return name;
}

void openlog(const char *name, int options, int facility)
{
    (void)facility;
    log_name = name;
    log_options = options;
}

void closelog(void)
{
    log_name = NULL;
    log_options = 0;
}

int setlogmask(int mask)
{
    int before = log_mask;
    if (mask != 0)
        log_mask = mask;
    return before;
}

/* "%m" is errno's text, which printf() need not know. */
static void format_expand(const char *format, char *text, size_t size, int code)
{
    size_t used = 0;
    for (; *format != '\0' && used + 1 < size; format++) {
        if (format[0] == '%' && format[1] == 'm') {
            used += strlcpy(text + used, strerror(code), size - used);
            format++;
        } else if (format[0] == '%' && format[1] == '%' && used + 2 < size) {
            text[used++] = '%';
            text[used++] = '%';
            format++;
        } else {
            text[used++] = *format;
        }
    }
    text[used < size ? used : size - 1] = '\0';
}

void vsyslog(int priority, const char *format, va_list arguments)
{
    char expanded[1024];
    char text[2048];
    int code = errno;
    if ((log_mask & LOG_MASK(LOG_PRI(priority))) == 0)
        return;
    format_expand(format, expanded, sizeof expanded, code);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)vsnprintf(text, sizeof text, expanded, arguments);
#pragma GCC diagnostic pop
    text[strcspn(text, "\n")] = '\0';
    const char *name = log_name != NULL ? log_name : program_name();
    if ((log_options & LOG_PID) != 0)
        fprintf(stderr, "%s[%d]: %s\n", name, getpid(), text);
    else
        fprintf(stderr, "%s: %s\n", name, text);
    (void)fflush(stderr);
    plx__event_log(name, LOG_PRI(priority), text);
    errno = code;
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}

void vwarn(const char *format, va_list arguments)
{
    int code = errno;
    fprintf(stderr, "%s: ", program_name());
    if (format != NULL) {
        (void)vfprintf(stderr, format, arguments);
        fprintf(stderr, ": ");
    }
    fprintf(stderr, "%s\n", strerror(code));
}

void vwarnx(const char *format, va_list arguments)
{
    fprintf(stderr, "%s: ", program_name());
    if (format != NULL)
        (void)vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
}

void warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarn(format, arguments);
    va_end(arguments);
}

void warnx(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}

void err(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarn(format, arguments);
    va_end(arguments);
    exit(code);
}

void errx(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
    exit(code);
}

/* --- signals -------------------------------------------------------------------------------- */

static const char *code_text(const siginfo_t *info)
{
    static const char *const of_children[] = {"exited",  "killed",  "dumped",
                                              "trapped", "stopped", "continued"};
    switch (info->si_code) {
    case SI_USER:
        return "sent by kill()";
    case SI_QUEUE:
        return "sent by sigqueue()";
    case SI_TIMER:
        return "sent by a timer";
    case SI_KERNEL:
        return "sent by the system";
    default:
        break;
    }
    if (info->si_signo == SIGCHLD && info->si_code >= CLD_EXITED && info->si_code <= CLD_CONTINUED)
        return of_children[info->si_code - CLD_EXITED];
    return "unknown code";
}

void psiginfo(const siginfo_t *info, const char *text)
{
    bool has_text = text != NULL && *text != '\0';
    fprintf(stderr, "%s%s%s (%s)\n", has_text ? text : "", has_text ? ": " : "",
            strsignal(info->si_signo), code_text(info));
}
