/* tools/tally.c - see tools/tally.h. */
#include "tools/tally.h"

#include <stdio.h>

#include <pollux/error.h>

#include "tools/http.h"

void tally_add(tally *t, enum tally_kind kind, int code, uint64_t count)
{
    t->total += count;
    for (size_t i = 0; i < t->entries_count; i++) {
        tally_entry *entry = &t->entries[i];
        if (entry->kind == kind && entry->code == code) {
            entry->count += count;
            return;
        }
    }
    if (t->entries_count == TALLY_ENTRIES_MAX)
        t->others += count;
    else
        t->entries[t->entries_count++] = (tally_entry){kind, code, count};
}

void tally_text(const tally_entry *entry, char *text, size_t size)
{
    const char *why = "";
    switch (entry->kind) {
    case TALLY_CONNECT:
        (void)snprintf(text, size, "connecting: %s", plx_error_text(entry->code));
        return;
    case TALLY_LOST:
        why = entry->code != 0 ? plx_error_text(entry->code) : "the server closed the connection";
        (void)snprintf(text, size, "request without answer: %s", why);
        return;
    case TALLY_STATUS:
        (void)snprintf(text, size, "HTTP status %d", entry->code);
        return;
    case TALLY_GARBLED:
        why = http_error_text((enum http_error)entry->code);
        (void)snprintf(text, size, "not an HTTP answer: %s", why);
        return;
    case TALLY_WRONG:
        (void)snprintf(text, size, "the echo differs from what was sent");
        return;
    case TALLY_UNASKED:
        (void)snprintf(text, size, "an answer without a request");
        return;
    }
}
