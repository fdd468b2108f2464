/* bench/raw_uring.c - the floor: io_uring with multishot accept and receive, a ring of provided
 * buffers, and one io_uring_enter() a turn, as io_uring(7) and its companions describe.
 *
 * A response is sent without a completion of its own: it is a static text, and a client of this
 * bench that waits for it leaves room for it. Echoed bytes stay in their provided buffer until they
 * have been sent, one after the other for each connection.
 */
#include <liburing.h>
#include <unistd.h>

#include "bench/conn.h"

#define SQ_ENTRIES   4096
#define CQ_ENTRIES   32768
#define BUFFERS      1024 /* A power of two. All of them together fit the second cache. */
#define ECHO_BUFFERS 128
#define ECHO_BYTES   32768
#define NONE         UINT16_MAX

enum { TAG_RECEIVE, TAG_SEND, TAG_ACCEPT, TAG_NONE, TAG_MASK = 3 };

typedef struct uring_conn {
    struct uring_conn *starved_next;
    int fd;
    uint16_t first; /* The buffers that wait to be sent, the first of them being sent; or NONE. */
    uint16_t last;
    uint8_t matched;
    bool is_closing;
} uring_conn;

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static size_t buffer_bytes;
static uint16_t buffer_count;
static uint16_t buffer_next[BUFFERS];
static uint32_t buffer_length[BUFFERS];
static uring_conn *starved; /* Whose receiving has ended for want of buffers. */

static struct io_uring_sqe *sqe_take(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
        (void)io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    return sqe;
}

static void sqe_tag(struct io_uring_sqe *sqe, void *at, unsigned tag)
{
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)at | tag);
}

static void receive_start(uring_conn *conn)
{
    struct io_uring_sqe *sqe = sqe_take();
    io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe_tag(sqe, conn, TAG_RECEIVE);
}

static void accept_start(int listener)
{
    struct io_uring_sqe *sqe = sqe_take();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe_tag(sqe, NULL, TAG_ACCEPT);
}

static void buffer_give(uint16_t id)
{
    io_uring_buf_ring_add(buffer_ring, buffers + id * buffer_bytes, (unsigned)buffer_bytes, id,
                          buffer_count - 1, 0);
    io_uring_buf_ring_advance(buffer_ring, 1);
    while (starved != NULL) {
        uring_conn *conn = starved;
        starved = conn->starved_next;
        receive_start(conn);
    }
}

static void conn_close(uring_conn *conn)
{
    conn->is_closing = true;
    if (conn->first != NONE)
        return; /* A send is under way, and comes here again. */
    struct io_uring_sqe *sqe = sqe_take();
    io_uring_prep_close(sqe, conn->fd);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe_tag(sqe, NULL, TAG_NONE);
    free(conn);
}

static void accepted(const struct io_uring_cqe *cqe, int listener)
{
    uring_conn *conn = cqe->res >= 0 ? calloc(1, sizeof *conn) : NULL;
    if ((cqe->flags & IORING_CQE_F_MORE) == 0)
        accept_start(listener);
    if (conn == NULL)
        return;
    conn->fd = cqe->res;
    conn->first = NONE;
    receive_start(conn);
}

static void echo_send(uring_conn *conn)
{
    struct io_uring_sqe *sqe = sqe_take();
    io_uring_prep_send(sqe, conn->fd, buffers + conn->first * buffer_bytes,
                       buffer_length[conn->first], MSG_NOSIGNAL | MSG_WAITALL);
    sqe_tag(sqe, conn, TAG_SEND);
}

static void echo(uring_conn *conn, uint16_t id, size_t length)
{
    bench_count.echoed_bytes += length;
    buffer_next[id] = NONE;
    buffer_length[id] = (uint32_t)length;
    if (conn->first != NONE) {
        buffer_next[conn->last] = id;
        conn->last = id;
        return;
    }
    conn->first = id;
    conn->last = id;
    echo_send(conn);
}

static void echo_sent(uring_conn *conn, int sent)
{
    uint16_t id = conn->first;
    bool failed = sent != (int)buffer_length[id] || conn->is_closing;
    conn->first = buffer_next[id];
    buffer_give(id);
    for (; failed && conn->first != NONE; conn->first = buffer_next[conn->first])
        buffer_give(conn->first);
    if (conn->first != NONE)
        echo_send(conn);
    else if (conn->is_closing)
        conn_close(conn);
}

static void respond(uring_conn *conn, uint16_t id, size_t length)
{
    size_t requests = bench_http_feed(&conn->matched, buffers + id * buffer_bytes, length);
    buffer_give(id);
    bench_count.requests += requests;
    if (requests == 0)
        return;
    struct io_uring_sqe *sqe = sqe_take();
    io_uring_prep_send(sqe, conn->fd, bench_responses, requests * BENCH_RESPONSE_BYTES,
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe_tag(sqe, NULL, TAG_NONE);
}

static void received(uring_conn *conn, const struct io_uring_cqe *cqe, enum bench_mode mode)
{
    if (cqe->res > 0) {
        uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        if (mode == BENCH_HTTP)
            respond(conn, id, (size_t)cqe->res);
        else
            echo(conn, id, (size_t)cqe->res);
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            receive_start(conn);
    } else if (cqe->res == -ENOBUFS) {
        conn->starved_next = starved;
        starved = conn;
    } else {
        conn_close(conn);
    }
}

static bool ring_open(void)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = CQ_ENTRIES,
    };
    return io_uring_queue_init_params(SQ_ENTRIES, &ring, &params) == 0;
}

static void buffers_open(enum bench_mode mode)
{
    size_t ring_bytes = BUFFERS * sizeof(struct io_uring_buf);
    buffer_count = mode == BENCH_HTTP ? BUFFERS : ECHO_BUFFERS;
    buffer_bytes = mode == BENCH_HTTP ? 1024 : ECHO_BYTES;
    buffers = malloc(buffer_count * buffer_bytes);
    if (buffers == NULL || posix_memalign((void **)&buffer_ring, 4096, ring_bytes) != 0)
        bench_fail("out of memory");
    struct io_uring_buf_reg registered = {.ring_addr = (uint64_t)(uintptr_t)buffer_ring,
                                          .ring_entries = buffer_count};
    if (io_uring_register_buf_ring(&ring, &registered, 0) != 0)
        bench_fail("no ring of buffers");
    io_uring_buf_ring_init(buffer_ring);
    for (uint16_t id = 0; id < buffer_count; id++)
        buffer_give(id);
}

static void serve(enum bench_mode mode)
{
    if (!ring_open())
        bench_fail("no io_uring");
    buffers_open(mode);
    int listener = bench_listen();
    accept_start(listener);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head;
        unsigned count = 0;
        (void)io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            void *at = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)TAG_MASK);
            count++;
            if ((cqe->user_data & TAG_MASK) == TAG_RECEIVE)
                received(at, cqe, mode);
            else if ((cqe->user_data & TAG_MASK) == TAG_SEND)
                echo_sent(at, cqe->res);
            else if ((cqe->user_data & TAG_MASK) == TAG_ACCEPT)
                accepted(cqe, listener);
        }
        io_uring_cq_advance(&ring, count);
    }
}

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out = (bench_variant){.group = "floor", .name = "raw io_uring", .serve = serve};
    if (index > 0 || !ring_open())
        return false;
    io_uring_queue_exit(&ring);
    return true;
}
