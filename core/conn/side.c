/* core/conn/side.c - the side table: what few connections have, by the slot of each.
 *
 * It does not exist before the first of them, and grows as the slots do. A connection that has
 * nothing here is told by one byte of its head, which is read when it is gone: it costs no memory,
 * and no instruction of a request.
 */
#include "core/conn/conn.h"

#include <string.h>

struct plx__gone {
    plx__gone *next;
    plx_gone_fn on_gone;
    void *data;
};

static uint32_t slot_of(const plx__conn *conn)
{
    return (uint32_t)conn->object.endpoint.token & (PLX__SLAB_MAX - 1);
}

static int table_grow(plx_loop *loop)
{
    const uint32_t room = loop->slabs[PLX__KIND_CONN].count;
    plx__side *sides = plx__reallocate(loop->sides, room * sizeof *sides);
    if (sides == NULL)
        return PLX_ENOMEM;
    memset(sides + loop->sides_room, 0, (room - loop->sides_room) * sizeof *sides);
    loop->sides = sides;
    loop->sides_room = room;
    return 0;
}

int plx__side_take(plx_loop *loop, plx__conn *conn, plx__side **side_out)
{
    int status = slot_of(conn) < loop->sides_room ? 0 : table_grow(loop);
    if (status != 0)
        return status;
    conn->object.has_side = 1;
    *side_out = plx__side_of(loop, conn);
    return 0;
}

plx__side *plx__side_of(const plx_loop *loop, const plx__conn *conn)
{
    return conn->object.has_side ? &loop->sides[slot_of(conn)] : NULL;
}

void plx__side_end(plx_loop *loop, plx__conn *conn, bool is_told)
{
    plx__side *side = plx__side_of(loop, conn);
    plx__gone *first = side->gone;
    *side = (plx__side){0}; /* What is called may move the table. */
    conn->object.has_side = 0;
    for (plx__gone *next; first != NULL; first = next) {
        next = first->next;
        if (is_told)
            first->on_gone(loop, plx__conn_handle(conn), first->data, conn->reason);
        plx__free(first);
    }
}

int plx_conn_on_gone(plx_loop *loop, plx_conn conn, plx_gone_fn on_gone, void *data)
{
    plx__conn *found = plx__conn_find(loop, conn);
    plx__side *side;
    if (found == NULL)
        return PLX_ESTALE;
    if (on_gone == NULL)
        return PLX_EINVAL;
    plx__gone *added = plx__allocate(sizeof *added);
    int status = added != NULL ? plx__side_take(loop, found, &side) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(added);
        return status;
    }
    *added = (plx__gone){.on_gone = on_gone, .data = data};
    plx__gone **end = &side->gone;
    while (*end != NULL)
        end = &(*end)->next;
    *end = added;
    return 0;
}
