/* core/kept.h - bytes that on_data has not consumed, to be shown again with what follows. */
#ifndef PLX__KEPT_H
#define PLX__KEPT_H

#include <stddef.h>

typedef struct plx__kept {
    size_t start; /* Of the bytes that count. */
    size_t length;
    size_t room; /* In all. */
    unsigned char bytes[];
} plx__kept;

/* Appends to `*kept`, which may be NULL and may move. `*spare` is a buffer to take when one is
 * needed, or NULL. 0 or PLX_ENOMEM, with all as it was. */
int plx__kept_append(plx__kept **kept, plx__kept **spare, const void *bytes, size_t length);
/* Drops bytes from the front. When none is left the buffer becomes the spare one, or is freed, and
 * `*kept` NULL. */
void plx__kept_consume(plx__kept **kept, plx__kept **spare, size_t length);

#endif
