/* posix/stdio/fmtmsg.c - fmtmsg(): messages in the form of System V, to stderr. There is no console
 * beside it.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <fmtmsg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 1, SEVERITY = 2, TEXT = 4, ACTION = 8, TAG = 16, ALL = 31 };

/* The parts that MSGVERB lists; all, if it is not set or lists something else. */
static unsigned parts_wanted(void)
{
    static const char *const names[] = {"label", "severity", "text", "action", "tag"};
    const char *at = getenv("MSGVERB");
    unsigned wanted = 0;
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        unsigned part = 0;
        for (unsigned i = 0; i < 5; i++) {
            if (strlen(names[i]) == length && strncmp(names[i], at, length) == 0)
                part = 1u << i;
        }
        if (part == 0)
            return ALL;
        wanted |= part;
        at += length + (at[length] == ':');
    }
    return wanted != 0 ? wanted : ALL;
}

/* Two fields of at most 10 and 14 bytes. */
static bool is_label(const char *label)
{
    const char *colon = strchr(label, ':');
    return colon != NULL && colon - label <= 10 && strlen(colon + 1) <= 14;
}

static const char *const severities[] = {NULL, "HALT", "ERROR", "WARNING", "INFO"};

static bool print(unsigned parts, const char *label, int severity, const char *text,
                  const char *action, const char *tag)
{
    unsigned after_text = parts & (ACTION | TAG);
    unsigned after_severity = parts & (TEXT | ACTION | TAG);
    unsigned after_label = parts & (SEVERITY | TEXT | ACTION | TAG);
    return fprintf(stderr, "%s%s%s%s%s%s%s%s%s%s\n", (parts & LABEL) != 0 ? label : "",
                   (parts & LABEL) != 0 && after_label != 0 ? ": " : "",
                   (parts & SEVERITY) != 0 ? severities[severity] : "",
                   (parts & SEVERITY) != 0 && after_severity != 0 ? ": " : "",
                   (parts & TEXT) != 0 ? text : "",
                   (parts & TEXT) != 0 && after_text != 0 ? "\n" : "",
                   (parts & ACTION) != 0 ? "TO FIX: " : "", (parts & ACTION) != 0 ? action : "",
                   (parts & ACTION) != 0 && (parts & TAG) != 0 ? "  " : "",
                   (parts & TAG) != 0 ? tag : "") >= 0;
}

int fmtmsg(long kind, const char *label, int severity, const char *text, const char *action,
           const char *tag)
{
    if (severity < MM_NOSEV || severity > MM_INFO || (label != NULL && !is_label(label)))
        return MM_NOTOK;
    unsigned given = (label != NULL ? LABEL : 0u) | (severity != MM_NOSEV ? SEVERITY : 0u) |
                     (text != NULL ? TEXT : 0u) | (action != NULL ? ACTION : 0u) |
                     (tag != NULL ? TAG : 0u);
    if ((kind & MM_PRINT) != 0 &&
        !print(given & parts_wanted(), label, severity, text, action, tag))
        return (kind & MM_CONSOLE) != 0 ? MM_NOTOK : MM_NOMSG;
    return (kind & MM_CONSOLE) != 0 ? MM_NOCON : MM_OK;
}
