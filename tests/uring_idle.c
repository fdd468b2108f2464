/* tests/uring_idle.c - see tests/uring_idle.h. */
#include "tests/uring_idle.h"

#include "core/conn/conn.h"
#include "core/loop.h"

void uring_idle_open(world *w, uring_idle *i)
{
    *i = (uring_idle){.backend = w->loop->backend};
    plx_conn_options options = probe_options(&i->p);
    i->client = connect_pair(w, &i->p, &options);
    ck_ok(plx_conn_pause(w->loop, i->p.conn));
    turn_some(w);
    i->endpoint = &plx__conn_find(w->loop, i->p.conn)->object.endpoint;
    i->uring = plx__uring_of(i->endpoint);
    i->uring->flags = 0;
    ck_assert(!plx__uring_is_in_flight(i->uring));
    ck_assert_int_eq(i->uring->list, PLX__URING_LIST_IDLE);
}

void uring_idle_close(world *w, uring_idle *i)
{
    i->uring->flags = 0;
    i->uring->ended = 0;
    i->uring->wanted = PLX__URING_NONE;
    i->uring->input.state = i->uring->room.state = PLX__URING_IDLE;
    i->backend->buffers.lent = -1; /* They are the kernel's still. */
    plx__uring_list_set(i->backend, i->uring, PLX__URING_LIST_IDLE);
    ck_ok(plx_conn_resume(w->loop, i->p.conn));
    peer_close(&i->client);
    turn_until(w, &i->p.closed, 1);
}

void uring_bring(plx__backend *backend, struct io_uring_cqe cqe)
{
    ck_ok(plx__uring_done_reserve(backend, 1));
    *backend->done_tail++ = cqe;
    backend->done_end = backend->done_tail;
    plx__uring_ends_set(backend);
}
