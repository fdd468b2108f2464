/* tools/tally.h - counts things that go wrong, by kind. */
#ifndef TOOLS_TALLY_H
#define TOOLS_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum tally_kind {
    TALLY_CONNECT, /* A connection did not open; the code is a PLX_E code. */
    TALLY_LOST,    /* A request whose connection closed before the answer; a PLX_E code or 0. */
    TALLY_STATUS,  /* An answer whose HTTP status, the code, is not of the 200s or 300s. */
    TALLY_GARBLED, /* Bytes that are no HTTP; the code is an http_error. */
    TALLY_WRONG,   /* Bytes that are not those which were sent to be echoed; 0. */
    TALLY_UNASKED  /* An answer to nothing; 0. */
};

#define TALLY_ENTRIES_MAX 32u
#define TALLY_TEXT_MAX    128u

typedef struct tally_entry {
    enum tally_kind kind;
    int code;
    uint64_t count;
} tally_entry;

/* All zero is empty. Kinds beyond the room are counted in `others`. */
typedef struct tally {
    tally_entry entries[TALLY_ENTRIES_MAX];
    size_t entries_count;
    uint64_t others;
    uint64_t total;
} tally;

void tally_add(tally *t, enum tally_kind kind, int code, uint64_t count);
/* A few words for the entry, as "connecting: connection refused". */
void tally_text(const tally_entry *entry, char *text, size_t size);

#endif
