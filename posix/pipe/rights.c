/* posix/pipe/rights.c - see rights.h. */
#include "posix/pipe/rights.h"

#include <string.h>

int plx__rights_add(plx__rights **rights, const int *fds, size_t count)
{
    if (*rights == NULL)
        *rights = plx__allocate_zeroed(1, sizeof **rights);
    if (*rights == NULL)
        return -ENOMEM;
    if (count > PLX__RIGHTS_MAX - (*rights)->count)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        plx__file *file = plx__fd_get(fds[i]);
        if (file == NULL)
            return -EBADF;
        (*rights)->files[(*rights)->count++] = file;
    }
    return 0;
}

void plx__rights_drop(plx__rights *rights)
{
    while (rights != NULL) {
        plx__rights *next = rights->next;
        for (size_t i = 0; i < rights->count; i++)
            plx__file_put(rights->files[i]);
        plx__free(rights);
        rights = next;
    }
}

void plx__rights_put(plx__rights_queue *queue, plx__rights *rights, uint64_t start, uint64_t end)
{
    rights->start = start;
    rights->end = end;
    rights->next = NULL;
    if (queue->last != NULL)
        queue->last->next = rights;
    else
        queue->first = rights;
    queue->last = rights;
}

size_t plx__rights_limit(const plx__rights_queue *queue, uint64_t at, size_t size)
{
    const plx__rights *first = queue->first;
    if (first == NULL || first->start >= at + size || first->end - at >= size)
        return size;
    return (size_t)(first->end - at);
}

static plx__rights *copy(const plx__rights *from)
{
    plx__rights *to = plx__allocate(sizeof *to);
    if (to == NULL)
        return NULL;
    *to = *from;
    to->next = NULL;
    for (size_t i = 0; i < to->count; i++)
        plx__file_take(to->files[i]);
    return to;
}

plx__rights *plx__rights_take(plx__rights_queue *queue, uint64_t end, bool is_look)
{
    plx__rights *first = queue->first;
    if (first == NULL || first->start >= end)
        return NULL;
    if (is_look)
        return copy(first);
    queue->first = first->next;
    if (queue->first == NULL)
        queue->last = NULL;
    first->next = NULL;
    return first;
}

plx__rights *plx__rights_take_all(plx__rights_queue *queue)
{
    plx__rights *all = queue->first;
    queue->first = NULL;
    queue->last = NULL;
    return all;
}

void plx__rights_hand(plx__rights *rights, plx__extras *extras)
{
    if (rights == NULL)
        return;
    if (extras != NULL && extras->takes_control && extras->rights == NULL) {
        extras->rights = rights;
        return;
    }
    if (extras != NULL)
        extras->flags |= PLX__MSG_CTRUNC;
    plx__rights_drop(rights);
}
