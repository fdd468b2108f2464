/* core/kept.c - owns no buffer; who keeps bytes owns theirs. */
#include "core/kept.h"

#include <string.h>

#include "core/assert.h"
#include "platform/platform.h"

#define FIRST_ROOM     1024u
#define SPARE_ROOM_MAX 65536u

/* Makes room behind the bytes: by moving them to the front if that is enough. */
static int kept_reserve(plx__kept **kept, size_t length)
{
    plx__kept *old = *kept;
    size_t needed = old->length + length;
    if (needed < length || needed > SIZE_MAX / 2)
        return PLX_ENOMEM;
    if (needed <= old->room) {
        memmove(old->bytes, old->bytes + old->start, old->length);
        old->start = 0;
        return 0;
    }
    size_t room = old->room;
    while (room < needed)
        room *= 2;
    plx__kept *larger = plx__allocate(sizeof *larger + room);
    if (larger == NULL)
        return PLX_ENOMEM;
    memcpy(larger->bytes, old->bytes + old->start, old->length);
    larger->start = 0;
    larger->length = old->length;
    larger->room = room;
    plx__free(old);
    *kept = larger;
    return 0;
}

static int kept_open(plx__kept **kept, plx__kept **spare)
{
    plx__kept *opened = *spare;
    *spare = NULL;
    if (opened == NULL) {
        opened = plx__allocate(sizeof *opened + FIRST_ROOM);
        if (opened == NULL)
            return PLX_ENOMEM;
        opened->room = FIRST_ROOM;
    }
    opened->start = opened->length = 0;
    *kept = opened;
    return 0;
}

static void kept_close(plx__kept **kept, plx__kept **spare)
{
    if (*spare == NULL && (*kept)->room <= SPARE_ROOM_MAX)
        *spare = *kept;
    else
        plx__free(*kept);
    *kept = NULL;
}

int plx__kept_append(plx__kept **kept, plx__kept **spare, const void *bytes, size_t length)
{
    int status = *kept == NULL ? kept_open(kept, spare) : 0;
    if (status == 0 && (*kept)->room - (*kept)->start - (*kept)->length < length)
        status = kept_reserve(kept, length);
    if (status == 0) {
        memcpy((*kept)->bytes + (*kept)->start + (*kept)->length, bytes, length);
        (*kept)->length += length;
    } else if (*kept != NULL && (*kept)->length == 0) {
        kept_close(kept, spare);
    }
    return status;
}

void plx__kept_consume(plx__kept **kept, plx__kept **spare, size_t length)
{
    PLX_ASSERT(length <= (*kept)->length);
    (*kept)->start += length;
    (*kept)->length -= length;
    if ((*kept)->length == 0)
        kept_close(kept, spare);
}
