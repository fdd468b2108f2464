/* core/unconsumed.c - owns no buffer; who keeps bytes owns theirs. */
#include "core/unconsumed.h"

#include <string.h>

#include "core/assert.h"
#include "platform/platform.h"

#define FIRST_ROOM     1024u
#define SPARE_ROOM_MAX 65536u

/* Makes room behind the bytes: by moving them to the front if that is enough. */
static int unconsumed_reserve(plx__unconsumed **unconsumed, size_t length)
{
    plx__unconsumed *old = *unconsumed;
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
    plx__unconsumed *larger = plx__allocate(sizeof *larger + room);
    if (larger == NULL)
        return PLX_ENOMEM;
    memcpy(larger->bytes, old->bytes + old->start, old->length);
    larger->start = 0;
    larger->length = old->length;
    larger->room = room;
    plx__free(old);
    *unconsumed = larger;
    return 0;
}

static int unconsumed_open(plx__unconsumed **unconsumed, plx__unconsumed **spare)
{
    plx__unconsumed *opened = *spare;
    *spare = NULL;
    if (opened == NULL) {
        opened = plx__allocate(sizeof *opened + FIRST_ROOM);
        if (opened == NULL)
            return PLX_ENOMEM;
        opened->room = FIRST_ROOM;
    }
    opened->start = opened->length = 0;
    *unconsumed = opened;
    return 0;
}

static void unconsumed_close(plx__unconsumed **unconsumed, plx__unconsumed **spare)
{
    if (*spare == NULL && (*unconsumed)->room <= SPARE_ROOM_MAX)
        *spare = *unconsumed;
    else
        plx__free(*unconsumed);
    *unconsumed = NULL;
}

int plx__unconsumed_append(plx__unconsumed **unconsumed, plx__unconsumed **spare, const void *bytes,
                           size_t length)
{
    int status = *unconsumed == NULL ? unconsumed_open(unconsumed, spare) : 0;
    if (status == 0 && (*unconsumed)->room - (*unconsumed)->start - (*unconsumed)->length < length)
        status = unconsumed_reserve(unconsumed, length);
    if (status == 0) {
        memcpy((*unconsumed)->bytes + (*unconsumed)->start + (*unconsumed)->length, bytes, length);
        (*unconsumed)->length += length;
    } else if (*unconsumed != NULL && (*unconsumed)->length == 0) {
        unconsumed_close(unconsumed, spare);
    }
    return status;
}

void plx__unconsumed_consume(plx__unconsumed **unconsumed, plx__unconsumed **spare, size_t length)
{
    PLX_ASSERT(length <= (*unconsumed)->length);
    (*unconsumed)->start += length;
    (*unconsumed)->length -= length;
    if ((*unconsumed)->length == 0)
        unconsumed_close(unconsumed, spare);
}
