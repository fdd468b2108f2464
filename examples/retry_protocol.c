/* What both sides of examples/retry.c use: lines, and events in words. */
#include "retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t retry_lines_take(const void *bytes, size_t length,
                        void (*take)(void *data, const char *line), void *data)
{
    const char *start = bytes;
    const char *end = start + length;
    const char *newline;
    while ((newline = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        char line[RETRY_LINE_MAX] = "";
        if ((size_t)(newline - start) < sizeof line)
            memcpy(line, start, (size_t)(newline - start));
        take(data, line);
        start = newline + 1;
    }
    return length - (size_t)(end - start);
}

void retry_event_text(const struct retry_event *event, char *text, size_t size)
{
    static const char *const formats[] = {
        [RETRY_SENT] = "client %" PRIu64 ": sends transfer %" PRIu32 ", %" PRIu32 " units",
        [RETRY_AGAIN] = "client %" PRIu64 ": sends transfer %" PRIu32 " again, %" PRIu32 " units",
        [RETRY_APPLIED] =
            "server: client %" PRIu64 ": applies transfer %" PRIu32 ", %" PRIu32 " units",
        [RETRY_REPEATED] =
            "server: client %" PRIu64 ": answers transfer %" PRIu32 " again, %" PRIu32 " units",
        [RETRY_ANSWERED] =
            "client %" PRIu64 ": has the answer to transfer %" PRIu32 ", %" PRIu32 " units",
        [RETRY_FINISHED] = "client %" PRIu64 ": has made all transfers, %" PRIu32,
        [RETRY_GAVE_UP] =
            "client %" PRIu64 ": gives up; transfer %" PRIu32 " may have been applied",
        [RETRY_AWAY] = "server: client %" PRIu64 ": is away, after transfer %" PRIu32,
        [RETRY_FORGOTTEN] = "server: client %" PRIu64 ": is forgotten, after transfer %" PRIu32,
    };
    (void)snprintf(text, size, formats[event->kind], event->client, event->number, event->units);
}
