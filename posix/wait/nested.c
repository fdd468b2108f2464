/* posix/wait/nested.c - waiting for what stands for others: an epoll set in poll(), or in
 * another set. Its members are asked in its stead, those of sets within it too; it is ready when
 * one is.
 */
#include "posix/wait/wait.h"

#include <string.h>

#define ROOM 64

/* The items of a wait, and after those the members of each that has some. */
typedef struct nest {
    plx__poll_item *items;
    size_t *ends; /* Of each item's members. */
    size_t count;
} nest;

static void members_put(plx__poll_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        plx__file_put(items[i].file);
}

static bool reserve(nest *of, size_t *room, size_t wanted)
{
    if (wanted <= *room)
        return true;
    plx__poll_item *more = plx__reallocate(of->items, 2 * wanted * sizeof *more);
    if (more == NULL)
        return false;
    of->items = more;
    *room = 2 * wanted;
    return true;
}

/* Adds the members of one; false without memory. */
static bool members_add(nest *of, size_t *room, plx__file *file)
{
    for (;;) {
        size_t left = *room - of->count;
        size_t there = file->kind->members(file, of->items + of->count, left);
        if (there <= left) {
            of->count += there;
            return true;
        }
        members_put(of->items + of->count, left);
        if (!reserve(of, room, of->count + there))
            return false;
    }
}

static void nest_free(nest *of, size_t own)
{
    if (of->count > own)
        members_put(of->items + own, of->count - own);
    plx__free(of->items);
    plx__free(of->ends);
}

static int nest_make(nest *of, const plx__poll_item *items, size_t count)
{
    size_t room = 0;
    memset(of, 0, sizeof *of);
    if (count > SIZE_MAX / sizeof *items - ROOM)
        return -ENOMEM;
    of->ends = plx__allocate(count * sizeof *of->ends);
    bool has_room = of->ends != NULL && reserve(of, &room, count + ROOM);
    if (has_room) {
        memcpy(of->items, items, count * sizeof *items);
        of->count = count;
    }
    for (size_t i = 0; i < count && has_room; i++) {
        if (plx__item_is_nested(&items[i])) {
            of->items[i].events = 0; /* Those that follow answer. */
            has_room = members_add(of, &room, items[i].file);
        }
        of->ends[i] = of->count;
    }
    if (has_room)
        return 0;
    nest_free(of, count);
    return -ENOMEM;
}

/* How many items are ready. That a list has changed is no reason. */
static int nest_answer(const nest *of, plx__poll_item *items, size_t count)
{
    int ready = 0;
    size_t at = count;
    for (size_t i = 0; i < count; i++) {
        unsigned any = 0;
        items[i].revents = of->items[i].revents;
        for (; at < of->ends[i]; at++)
            any |= of->items[at].version == 0 ? of->items[at].revents : 0u;
        if (any != 0)
            items[i].revents |= items[i].events & (PLX__POLLIN | PLX__POLLRDNORM);
        ready += items[i].revents != 0;
    }
    return ready;
}

int plx__wait_nested(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted)
{
    for (;;) {
        nest of;
        int status = nest_make(&of, items, count);
        if (status != 0)
            return status;
        status = plx__wait(of.items, of.count, deadline, is_restarted);
        int ready = nest_answer(&of, items, count);
        nest_free(&of, count);
        if (status < 0 || ready > 0)
            return status < 0 ? status : ready;
        if (plx__clock_now() >= deadline)
            return 0;
    }
}
