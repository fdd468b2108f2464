/* core/unconsumed.h - bytes that on_data has not consumed, to be shown again with what follows. */
#ifndef PLX__UNCONSUMED_H
#define PLX__UNCONSUMED_H

#include <stddef.h>

typedef struct plx__unconsumed {
    size_t start; /* Of the bytes that count. */
    size_t length;
    size_t room; /* In all. */
    unsigned char bytes[];
} plx__unconsumed;

/* Appends to `*unconsumed`, which may be NULL and may move. `*spare` is a buffer to take when one
 * is needed, or NULL. 0 or PLX_ENOMEM, with all as it was. */
int plx__unconsumed_append(plx__unconsumed **unconsumed, plx__unconsumed **spare, const void *bytes,
                           size_t length);
/* Drops bytes from the front. When none is left the buffer becomes the spare one, or is freed, and
 * `*unconsumed` NULL. */
void plx__unconsumed_consume(plx__unconsumed **unconsumed, plx__unconsumed **spare, size_t length);

#endif
