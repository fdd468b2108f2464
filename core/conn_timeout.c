/* core/conn_timeout.c - the timeouts of a connection.
 *
 * An event of the connection only stores the time. Its one node in the wheel fires at what was the
 * nearest deadline when it was set; if events have put that off since, it is set again. So a busy
 * connection costs the wheel once per timeout, not once per event.
 */
#include "core/conn.h"

static uint64_t sum(uint64_t time_ns, uint64_t timeout_ns)
{
    return timeout_ns < PLX_FOREVER - time_ns ? time_ns + timeout_ns : PLX_FOREVER;
}

static uint64_t smaller(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* The nearest of its deadlines, or PLX_FOREVER. */
static uint64_t conn_deadline(const plx__conn *conn)
{
    const plx_conn_options *options = &conn->profile->options;
    if ((conn->flags & PLX__CONN_CONNECTING) != 0)
        return sum(conn->received_ns, options->connect_timeout_ns);
    uint64_t active_ns = conn->received_ns > conn->sent_ns ? conn->received_ns : conn->sent_ns;
    uint64_t deadline = sum(active_ns, options->idle_timeout_ns);
    if ((conn->flags & PLX__CONN_RECEIVING) != 0)
        deadline = smaller(deadline, sum(conn->received_ns, options->read_timeout_ns));
    if (conn->queued > 0)
        deadline = smaller(deadline, sum(conn->sent_ns, options->write_timeout_ns));
    return deadline;
}

void plx__conn_timeout_arm(plx_loop *loop, plx__conn *conn)
{
    if (!conn->profile->has_timeouts && (conn->flags & PLX__CONN_CONNECTING) == 0)
        return;
    uint64_t deadline = conn_deadline(conn);
    bool is_set = plx__wheel_has(&conn->timeout);
    if (deadline == PLX_FOREVER || (is_set && conn->timeout.deadline_ns <= deadline))
        return;
    if (is_set)
        plx__wheel_remove(&loop->wheel, &conn->timeout);
    plx__wheel_add(&loop->wheel, &conn->timeout, deadline);
}

void plx__conn_timeout_disarm(plx_loop *loop, plx__conn *conn)
{
    if (plx__wheel_has(&conn->timeout))
        plx__wheel_remove(&loop->wheel, &conn->timeout);
}

void plx__conn_timeout_fired(plx_loop *loop, plx__conn *conn)
{
    if (conn_deadline(conn) > loop->now_ns) {
        plx__conn_timeout_arm(loop, conn);
        return;
    }
    loop->stats.timeouts++;
    plx__conn_close(loop, conn, PLX_ETIMEDOUT);
}
