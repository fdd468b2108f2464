/* core/conn/timeouts.c - the timeouts of a connection.
 *
 * An event of the connection only stores the time. Its one node in the wheel fires at what was the
 * nearest deadline when it was set; if events have put that off since, it is set again. So a busy
 * connection costs the wheel once per timeout, not once per event.
 *
 * What arrived in time keeps a connection alive, though the loop gets to it late: because a
 * callback took long, because more was ready than one wait collects, or because the process was
 * stopped. So a deadline that has passed closes nothing yet. The node fires once more after the
 * next wait, all of whose completions have been delivered by then; then one look at the socket
 * tells whether something is left for a later wait. All this happens only when a timeout is due.
 */
#include "core/conn/conn.h"

/* While something is left: how long until the next look, unless a timeout is shorter. */
#define LOOK_AGAIN_NS PLX_SECOND

/* The end of a long turn walks all connections. So a turn counts as long only if that costs a
 * hundredth of it at the most: it takes some nanoseconds for each. */
#define CATCH_UP_NS 1000u

static uint64_t sum(uint64_t time_ns, uint64_t timeout_ns)
{
    return timeout_ns < PLX_FOREVER - time_ns ? time_ns + timeout_ns : PLX_FOREVER;
}

static uint64_t smaller(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* PLX_FOREVER for each that does not run. */
typedef struct deadlines {
    uint64_t connect, idle, read, write, finish;
} deadlines;

static deadlines conn_deadlines(const plx__conn *conn)
{
    const plx_conn_options *options = &conn->shared->options;
    deadlines d = {PLX_FOREVER, PLX_FOREVER, PLX_FOREVER, PLX_FOREVER, PLX_FOREVER};
    if ((conn->flags & PLX__CONN_CONNECTING) != 0) {
        d.connect = sum(conn->received_ns, options->connect_timeout_ns);
        return d;
    }
    if (!plx__send_queue_is_empty(&conn->queue))
        d.write = sum(conn->sent_ns, options->write_timeout_ns);
    if ((conn->flags & PLX__CONN_FINISHING) != 0)
        d.finish = conn->finish_by_ns; /* From which the two below count then, so they are later. */
    uint64_t active_ns = conn->received_ns > conn->sent_ns ? conn->received_ns : conn->sent_ns;
    d.idle = sum(active_ns, options->idle_timeout_ns);
    if ((conn->flags & PLX__CONN_RECEIVING) != 0)
        d.read = sum(conn->received_ns, options->read_timeout_ns);
    return d;
}

/* The nearest of its deadlines, or PLX_FOREVER. */
static uint64_t conn_deadline(const plx__conn *conn)
{
    const deadlines d = conn_deadlines(conn);
    return smaller(smaller(smaller(d.connect, d.idle), smaller(d.read, d.write)), d.finish);
}

/* The node is set. */
PLX__SLOW static void timeout_reset(plx_loop *loop, plx__conn *conn, uint64_t deadline)
{
    if (conn->timeout.deadline_ns <= deadline)
        return;
    plx__wheel_remove(&loop->wheel, &conn->timeout);
    conn->timeout.kind = PLX__DEADLINE_CONN;
    plx__wheel_add(&loop->wheel, &conn->timeout, deadline);
}

/* Has the node fire at the deadline, unless it fires before. */
static void timeout_set(plx_loop *loop, plx__conn *conn, uint64_t deadline)
{
    if (plx__wheel_has(&conn->timeout)) {
        timeout_reset(loop, conn, deadline);
    } else if (deadline != PLX_FOREVER) {
        conn->timeout.kind = PLX__DEADLINE_CONN;
        plx__wheel_add(&loop->wheel, &conn->timeout, deadline);
    }
}

void plx__conn_timeout_arm(plx_loop *loop, plx__conn *conn)
{
    timeout_set(loop, conn, conn_deadline(conn));
}

void plx__conn_timeout_arm_reading(plx_loop *loop, plx__conn *conn)
{
    timeout_set(loop, conn, plx__deadline(loop, conn->shared->quiet_max_ns));
}

/* A timeout is due: the node fires again, in `delay_ns` and after another wait. */
static void due_arm(plx_loop *loop, plx__conn *conn, uint64_t delay_ns)
{
    conn->timeout.kind = PLX__DEADLINE_CONN_DUE;
    plx__wheel_add(&loop->wheel, &conn->timeout, plx__deadline(loop, delay_ns));
}

/* What could put its timeouts off: bits of plx__look. */
static uint32_t conn_interest(const plx__conn *conn)
{
    uint32_t interest = 0;
    if ((conn->flags & PLX__CONN_CONNECTING) != 0)
        return PLX__LOOK_WRITE;
    /* Reading rests until the deferred step has shown what is unconsumed, and then resumes. */
    if ((conn->flags & (PLX__CONN_RECEIVING | PLX__CONN_SHOW_UNCONSUMED)) != 0)
        interest |= PLX__LOOK_READ;
    if (!plx__send_queue_is_empty(&conn->queue))
        interest |= PLX__LOOK_WRITE;
    return interest;
}

/* Whether each timeout that is due will be put off by what is there and not delivered yet. Nothing
 * puts off the end of a finish. */
static bool is_put_off(plx_loop *loop, plx__conn *conn)
{
    const deadlines d = conn_deadlines(conn);
    uint32_t interest = conn_interest(conn);
    if (d.finish <= loop->now_ns)
        return false;
    if (conn->object.endpoint.has_more)
        return true;
    if (interest == 0)
        return false;
    uint32_t ready = loop->host->look(conn->object.endpoint.socket, interest);
    bool can_read = (ready & PLX__LOOK_READ) != 0;
    bool can_write = (ready & PLX__LOOK_WRITE) != 0;
    return (d.connect > loop->now_ns || can_write) && (d.idle > loop->now_ns || ready != 0) &&
           (d.read > loop->now_ns || can_read) && (d.write > loop->now_ns || can_write);
}

/* The shortest of the timeouts: no other may pass unseen while this one is put off. The end of a
 * finish may come later by as much. */
static uint64_t look_again_ns(const plx__conn *conn)
{
    const plx_conn_options *options = &conn->shared->options;
    uint64_t shortest = smaller(options->idle_timeout_ns, options->read_timeout_ns);
    shortest = smaller(shortest, smaller(options->write_timeout_ns, options->connect_timeout_ns));
    return smaller(shortest, LOOK_AGAIN_NS);
}

static plx__conn *conn_of(plx__wheel_node *node)
{
    return (plx__conn *)(void *)((unsigned char *)node - offsetof(plx__conn, timeout));
}

/* Events may have put off what it was set for. */
static bool is_due(plx_loop *loop, plx__conn *conn)
{
    if (conn_deadline(conn) <= loop->now_ns)
        return true;
    plx__conn_timeout_arm(loop, conn);
    return false;
}

void plx__conn_timeout_fired(plx_loop *loop, plx__wheel_node *node)
{
    plx__conn *conn = conn_of(node);
    if (is_due(loop, conn))
        due_arm(loop, conn, 0);
}

/* A timeout was due before the last wait. */
void plx__conn_timeout_due(plx_loop *loop, plx__wheel_node *node)
{
    plx__conn *conn = conn_of(node);
    if (!is_due(loop, conn))
        return;
    if (is_put_off(loop, conn)) {
        due_arm(loop, conn, look_again_ns(conn));
        return;
    }
    loop->stats.timeouts++;
    plx__conn_close(loop, conn, PLX_ETIMEDOUT);
}

int plx_conn_set_timeout(plx_loop *loop, plx_conn conn, enum plx_timeout which, uint64_t timeout_ns)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    int status = plx__shared_options_timeout_set(&found->shared, which, timeout_ns);
    if (status == 0 && (found->flags & PLX__CONN_LEAVING) == 0) /* Else none runs any more. */
        plx__conn_timeout_arm(loop, found);
    return status;
}

/* What happens in a turn is stamped with the time at which its wait ended, to save the clock. If
 * its callbacks took long, that was long ago for those that were served last. */
void plx__conn_timeouts_catch_up(plx_loop *loop)
{
    const plx__slab *conns = &loop->slabs[PLX__KIND_CONN];
    if (loop->now_ns - loop->turn_ns < PLX__TURN_LONG_NS + (uint64_t)conns->count * CATCH_UP_NS)
        return;
    for (uint32_t slot = 0; slot < conns->count; slot++) {
        plx__conn *conn = (plx__conn *)(void *)plx__slab_at(conns, slot);
        if (!plx__conn_is_open(conn))
            continue;
        if (conn->received_ns >= loop->turn_ns &&
            (conn->flags & (PLX__CONN_FINISHING | PLX__CONN_STAGED)) == 0)
            conn->received_ns = loop->now_ns;
        if (conn->sent_ns >= loop->turn_ns)
            conn->sent_ns = loop->now_ns;
    }
}
