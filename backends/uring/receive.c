/* backends/uring/receive.c - owns the buffers that the kernel receives into.
 *
 * They stand in a ring that the kernel takes from when bytes have arrived, so that a connection
 * which receives nothing has none (IORING_REGISTER_PBUF_RING). One goes back when core asks for the
 * next completion. A receive yields until it is cancelled, or until no buffer is left: then it is
 * started again in the next turn.
 *
 * Core is shown one piece for each connection and turn. What a receive brings beyond that is held
 * back; and who has more than that, or fills its buffer, is received from by single requests into
 * larger buffers, until a small piece with nothing behind it comes. So one flood does not take all
 * the buffers, and moves in large pieces.
 */
#include "backends/uring/uring.h"

/* Most requests fit a small one. Of these there are more than a turn has completions: since Linux
 * 6.14 deferred work comes in portions of 20 (IO_LOCAL_TW_DEFAULT_MAX). */
#define SMALL_BYTES 4096u
#define SMALL_COUNT PLX__URING_SMALL_COUNT

/* All large ones together, if that is not too few. */
#define LARGE_POOL_BYTES (1u << 20)
#define LARGE_COUNT_MIN  8u
#define LARGE_COUNT_MAX  64u

enum group { GROUP_SMALL, GROUP_LARGE };

/* Buffers at multiples of a power of two would share few lines of the caches. */
#define SKEW_BYTES 64u

#define PAGE_BYTES 4096u

/* --- pools ------------------------------------------------------------------------------------ */

static plx__uring_pool *pool_of(plx__uring_buffers *buffers, uint32_t number)
{
    return number < buffers->large.first ? &buffers->small : &buffers->large;
}

static unsigned char *buffer_at(plx__uring_buffers *buffers, uint32_t number)
{
    const plx__uring_pool *pool = pool_of(buffers, number);
    return pool->memory + (size_t)(number - pool->first) * pool->stride;
}

static void buffer_give(plx__uring_buffers *buffers, uint32_t number)
{
    const plx__uring_pool *pool = pool_of(buffers, number);
    plx__uring_buffer_give(pool, pool->count, number, buffer_at(buffers, number));
}

static int pool_register(plx__backend *backend, plx__uring_pool *pool, enum group group)
{
    uintptr_t page = ((uintptr_t)pool->ring_memory + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    struct io_uring_buf_reg what = {
        .ring_addr = page, .ring_entries = pool->count, .bgid = (uint16_t)group};
    pool->ring = (struct io_uring_buf_ring *)page;
    io_uring_buf_ring_init(pool->ring);
    int result = io_uring_register_buf_ring(&backend->ring, &what, 0);
    if (result < 0) {
        int status = plx__fail(-result);
        return status == PLX_EINVAL ? PLX_ENOSYS : status;
    }
    for (uint32_t i = pool->first; i < pool->first + pool->count; i++) {
        if (backend->buffers.held[i].length == 0)
            buffer_give(&backend->buffers, i);
    }
    return 0;
}

static int pool_open(plx__uring_pool *pool, uint32_t first, uint32_t count, uint32_t bytes)
{
    pool->first = first;
    pool->count = count;
    pool->bytes = bytes;
    pool->stride = (bytes + 63) / 64 * 64 + SKEW_BYTES;
    /* Zeroed for the sake of valgrind, which does not see the kernel write here. Pages that come
     * fresh from the system cost nothing until something is received into them. */
    pool->memory = plx__allocate_zeroed(count, pool->stride);
    pool->ring_memory = plx__allocate_zeroed(1, count * sizeof(struct io_uring_buf) + PAGE_BYTES);
    return pool->memory != NULL && pool->ring_memory != NULL ? 0 : PLX_ENOMEM;
}

static void pool_close(plx__uring_pool *pool)
{
    plx__free(pool->memory);
    plx__free(pool->ring_memory);
}

int plx__uring_buffers_open(plx__backend *backend, uint32_t receive_bytes)
{
    plx__uring_buffers *buffers = &backend->buffers;
    uint32_t small_bytes = receive_bytes < SMALL_BYTES ? receive_bytes : SMALL_BYTES;
    uint32_t large_count = LARGE_COUNT_MAX;
    while (large_count > LARGE_COUNT_MIN &&
           (uint64_t)large_count * receive_bytes > LARGE_POOL_BYTES)
        large_count /= 2;
    buffers->lent = -1;
    buffers->plain_max = small_bytes - 1;
    buffers->held = plx__allocate_zeroed(SMALL_COUNT + large_count, sizeof *buffers->held);
    int status = buffers->held != NULL ? 0 : PLX_ENOMEM;
    if (status == 0)
        status = pool_open(&buffers->small, 0, SMALL_COUNT, small_bytes);
    if (status == 0)
        status = pool_open(&buffers->large, SMALL_COUNT, large_count, receive_bytes);
    return status;
}

int plx__uring_buffers_register(plx__backend *backend)
{
    int status = pool_register(backend, &backend->buffers.small, GROUP_SMALL);
    return status == 0 ? pool_register(backend, &backend->buffers.large, GROUP_LARGE) : status;
}

void plx__uring_buffers_close(plx__backend *backend)
{
    pool_close(&backend->buffers.small);
    pool_close(&backend->buffers.large);
    plx__free(backend->buffers.held);
}

void plx__uring_buffers_return(plx__backend *backend)
{
    plx__uring_buffers *buffers = &backend->buffers;
    if (buffers->lent < 0)
        return;
    buffer_give(buffers, (uint32_t)buffers->lent);
    buffers->lent = -1;
}

/* --- receiving -------------------------------------------------------------------------------- */

bool plx__uring_receive_arm(plx__backend *backend, plx__uring_endpoint *uring)
{
    int socket = plx__uring_endpoint_of(uring)->socket;
    bool is_bulk = (uring->flags & PLX__URING_BULK) != 0;
    struct io_uring_sqe *sqe = plx__uring_sqe(backend);
    if (sqe == NULL)
        return false;
    if (is_bulk)
        io_uring_prep_recv(sqe, socket, NULL, backend->buffers.large.bytes, 0);
    else
        io_uring_prep_recv_multishot(sqe, socket, NULL, 0, 0);
    sqe->buf_group = is_bulk ? GROUP_LARGE : GROUP_SMALL;
    sqe->flags = IOSQE_BUFFER_SELECT;
    plx__uring_armed(uring, &uring->input, sqe, PLX__URING_RECEIVE, !is_bulk);
    return true;
}

void plx__uring_receive_drop(plx__backend *backend, const struct io_uring_cqe *cqe)
{
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
        buffer_give(&backend->buffers, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}

static bool piece_deliver(plx__backend *backend, plx__uring_endpoint *uring, uint32_t number,
                          uint32_t length, plx__completion *completion)
{
    uring->turn = backend->turn;
    backend->buffers.lent = (int32_t)number;
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__RECEIVED;
    completion->bytes = buffer_at(&backend->buffers, number);
    completion->length = length;
    return true;
}

static void piece_hold(plx__backend *backend, plx__uring_endpoint *uring, uint32_t number,
                       uint32_t length)
{
    plx__uring_buffers *buffers = &backend->buffers;
    bool is_first = (uring->flags & PLX__URING_HOLDS) == 0;
    if (is_first)
        uring->held_first = (uint8_t)number;
    else
        buffers->held[uring->held_last].next = (uint16_t)number;
    uring->held_last = (uint8_t)number;
    buffers->held[number].length = length;
    uring->flags |= PLX__URING_HOLDS;
    if (!is_first)
        uring->flags |= PLX__URING_BULK;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
}

/* Returns its length. */
static uint32_t piece_take(plx__backend *backend, plx__uring_endpoint *uring, uint32_t *number_out)
{
    plx__uring_held *held = &backend->buffers.held[uring->held_first];
    uint32_t length = held->length;
    *number_out = uring->held_first;
    held->length = 0;
    if (uring->held_first == uring->held_last)
        uring->flags &= (uint16_t)~PLX__URING_HOLDS;
    else
        uring->held_first = (uint8_t)held->next;
    return length;
}

static bool end_deliver(plx__uring_endpoint *uring, int status, plx__completion *completion)
{
    uring->wanted = PLX__URING_NONE;
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__ENDED;
    completion->status = status;
    return true;
}

/* The stream is over: told at once, or behind what is held back, or when core wants to read on. */
static bool received_end(plx__backend *backend, plx__uring_endpoint *uring, int status,
                         plx__completion *completion)
{
    if ((uring->flags & PLX__URING_HOLDS) == 0 && uring->wanted == PLX__URING_RECEIVE)
        return end_deliver(uring, status, completion);
    uring->ended = (int16_t)status;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    return false;
}

void plx__uring_receive_break(plx__uring_endpoint *uring, int status)
{
    if (uring->ended == 0 && (uring->flags & PLX__URING_DETACHED) == 0)
        uring->ended = (int16_t)status;
}

bool plx__uring_received(plx__backend *backend, plx__uring_endpoint *uring,
                         const struct io_uring_cqe *cqe, plx__completion *completion)
{
    int32_t result = cqe->res;
    if (result > 0) {
        const uint32_t more = IORING_CQE_F_MORE | IORING_CQE_F_SOCK_NONEMPTY;
        uint32_t number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if ((uint32_t)result == backend->buffers.small.bytes) {
            uring->flags |= PLX__URING_BULK;
            plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
        }
        /* A small piece, and nothing behind it: from now on they may come by themselves again. */
        if ((uint32_t)result < backend->buffers.small.bytes && !uring->input.is_multishot &&
            (cqe->flags & more) == 0)
            uring->flags &= (uint16_t)~PLX__URING_BULK;
        if ((uring->flags & PLX__URING_HOLDS) == 0 && uring->turn != backend->turn)
            return piece_deliver(backend, uring, number, (uint32_t)result, completion);
        piece_hold(backend, uring, number, (uint32_t)result);
        return false;
    }
    plx__uring_receive_drop(backend, cqe);
    switch (result) {
    case 0:
        return received_end(backend, uring, PLX_EEOF, completion);
    case -ECANCELED: /* By us. */
    case -ENOBUFS:   /* All buffers were taken. */
    case -EAGAIN:
    case -EINTR:
        return false;
    default:
        return received_end(backend, uring, plx__fail(-result), completion);
    }
}

bool plx__uring_receive_next(plx__backend *backend, plx__uring_endpoint *uring,
                             plx__completion *completion)
{
    if ((uring->flags & PLX__URING_HOLDS) != 0) {
        uint32_t number;
        uint32_t length = piece_take(backend, uring, &number);
        return piece_deliver(backend, uring, number, length, completion);
    }
    if (uring->ended == 0)
        return false;
    /* Who gets a released socket finds its end for himself; why it broke can be read once only. */
    bool is_telling = (uring->flags & PLX__URING_RELEASING) != 0 && uring->ended != PLX_EEOF;
    if (uring->wanted != PLX__URING_RECEIVE && !is_telling)
        return false;
    int status = uring->ended;
    uring->ended = 0;
    return end_deliver(uring, status, completion);
}

void plx__uring_receive_forget(plx__backend *backend, plx__uring_endpoint *uring)
{
    uint32_t number;
    while ((uring->flags & PLX__URING_HOLDS) != 0) {
        (void)piece_take(backend, uring, &number);
        buffer_give(&backend->buffers, number);
    }
}
