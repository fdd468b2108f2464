/* core/conn/pace.c - how fast a peer must send while a message of it arrives.
 *
 * A peer has an allowance of time, at first and at most `grace_ns`. Time uses it up while a message
 * arrives, and each byte adds what the byte may take. When nothing is left, the connection is
 * reset. Time does not count while reading rests, which is not the peer's doing, nor between
 * messages.
 *
 * As with timeouts (timeouts.c), a peer is judged after one more wait, and by a look at the socket:
 * what has arrived in time counts, though the loop gets to it late.
 */
#include "core/conn/conn.h"

#define LOOK_AGAIN_NS PLX_SECOND

struct plx__pace {
    plx__wheel_node node; /* Fires when the allowance may be used up, or before. */
    plx__conn *conn;
    uint64_t bytes_per_second;
    uint64_t grace_ns;
    uint64_t due_ns;  /* While it reads: when the allowance is used up. */
    uint64_t left_ns; /* While it does not: what is left of it. */
    bool is_reading;
    bool has_received;  /* A byte, or one that was unconsumed has been shown. */
    bool is_in_message; /* By plx_conn_set_in_message(). */
    bool is_late;       /* The allowance was used up before the last wait. */
};

static plx__pace *pace_of(const plx_loop *loop, const plx__conn *conn)
{
    return plx__side_of(loop, conn)->pace;
}

static uint64_t allowance(const plx_loop *loop, const plx__pace *pace)
{
    if (!pace->is_reading)
        return pace->left_ns;
    return pace->due_ns > loop->now_ns ? pace->due_ns - loop->now_ns : 0;
}

static void arm(plx_loop *loop, plx__pace *pace, uint64_t deadline_ns)
{
    if (!plx__wheel_has(&pace->node))
        plx__wheel_add(&loop->wheel, &pace->node, deadline_ns);
}

static void allowance_set(plx_loop *loop, plx__pace *pace, uint64_t left_ns)
{
    pace->left_ns = left_ns;
    if (!pace->is_reading)
        return;
    pace->due_ns = plx__deadline(loop, pace->left_ns);
    arm(loop, pace, pace->due_ns);
}

/* Between messages nobody waits for the peer. */
static bool is_judged(const plx__pace *pace)
{
    const plx__conn *conn = pace->conn;
    return plx__conn_is_open(conn) && (conn->flags & PLX__CONN_RECEIVING) != 0 &&
           (conn->flags & PLX__CONN_FINISHING) == 0 &&
           (conn->unconsumed != NULL || pace->is_in_message || !pace->has_received);
}

static bool has_arrived(const plx_loop *loop, const plx__conn *conn)
{
    return conn->object.endpoint.has_more ||
           loop->host->look(conn->object.endpoint.socket, PLX__LOOK_READ) != 0;
}

void plx__conn_pace_fired(plx_loop *loop, plx__wheel_node *node)
{
    plx__pace *pace = (plx__pace *)(void *)((unsigned char *)node - offsetof(plx__pace, node));
    bool was_late = pace->is_late;
    pace->is_late = false;
    if (!is_judged(pace))
        return; /* What arrives, or reading that resumes, arms it again. */
    if (pace->due_ns > loop->now_ns) {
        arm(loop, pace, pace->due_ns);
        return;
    }
    pace->is_late = true;
    if (!was_late) {
        arm(loop, pace, loop->now_ns);
        return;
    }
    if (has_arrived(loop, pace->conn)) {
        arm(loop, pace,
            plx__deadline(loop, pace->grace_ns < LOOK_AGAIN_NS ? pace->grace_ns : LOOK_AGAIN_NS));
        return;
    }
    loop->stats.slow_peers++;
    plx__conn_fail(loop, pace->conn, PLX_ESLOW);
}

/* A message begins with the first bytes that come while none is arriving. */
void plx__conn_pace_received(plx_loop *loop, const plx__conn *conn, size_t length)
{
    plx__pace *pace = pace_of(loop, conn);
    const uint64_t added_ns = (uint64_t)length * PLX_SECOND / pace->bytes_per_second;
    uint64_t left_ns = allowance(loop, pace);
    bool begins = conn->unconsumed == NULL && !pace->is_in_message;
    bool is_whole = begins || added_ns >= pace->grace_ns - left_ns;
    pace->has_received = true;
    allowance_set(loop, pace, is_whole ? pace->grace_ns : left_ns + added_ns);
}

/* What came before the rate was set is a message, too: behind it nothing is due. */
void plx__conn_pace_shown(plx_loop *loop, const plx__conn *conn)
{
    pace_of(loop, conn)->has_received = true;
}

void plx__conn_pace_reading(plx_loop *loop, const plx__conn *conn, bool is_reading)
{
    plx__pace *pace = pace_of(loop, conn);
    plx__time_look(loop); /* Who pauses may be outside of a turn. */
    uint64_t left_ns = allowance(loop, pace);
    pace->is_reading = is_reading;
    allowance_set(loop, pace, left_ns);
}

void plx__conn_pace_end(plx_loop *loop, plx__conn *conn)
{
    plx__side *side = plx__side_of(loop, conn);
    if (side == NULL || side->pace == NULL)
        return;
    if (plx__wheel_has(&side->pace->node))
        plx__wheel_remove(&loop->wheel, &side->pace->node);
    plx__free(side->pace);
    side->pace = NULL;
    conn->flags &= ~(uint32_t)PLX__CONN_PACED;
}

static int pace_of_own(plx_loop *loop, plx__conn *conn, plx__pace **pace_out)
{
    plx__side *side;
    int status = plx__side_take(loop, conn, &side);
    if (status != 0)
        return status;
    if (side->pace == NULL)
        side->pace = plx__allocate_zeroed(1, sizeof *side->pace);
    *pace_out = side->pace;
    return side->pace != NULL ? 0 : PLX_ENOMEM;
}

static void pace_begin(plx_loop *loop, plx__conn *conn, plx__pace *pace, uint64_t bytes_per_second,
                       uint64_t grace_ns)
{
    if (plx__wheel_has(&pace->node))
        plx__wheel_remove(&loop->wheel, &pace->node);
    *pace = (plx__pace){
        .node.kind = PLX__DEADLINE_PACE,
        .conn = conn,
        .bytes_per_second = bytes_per_second,
        .grace_ns = grace_ns,
        .is_reading = (conn->flags & PLX__CONN_RECEIVING) != 0,
    };
    conn->flags |= PLX__CONN_PACED;
    allowance_set(loop, pace, grace_ns);
}

int plx_conn_set_receive_rate(plx_loop *loop, plx_conn conn, uint64_t bytes_per_second,
                              uint64_t grace_ns)
{
    plx__conn *found = plx__conn_find(loop, conn);
    plx__pace *pace;
    if (found == NULL)
        return PLX_ESTALE;
    if (bytes_per_second > PLX_SECOND || (bytes_per_second != 0 && grace_ns == 0))
        return PLX_EINVAL;
    if (bytes_per_second == 0) {
        plx__conn_pace_end(loop, found);
        return 0;
    }
    int status = pace_of_own(loop, found, &pace);
    if (status != 0)
        return status;
    plx__time_look(loop);
    pace_begin(loop, found, pace, bytes_per_second, grace_ns);
    return 0;
}

int plx_conn_set_in_message(plx_loop *loop, plx_conn conn, int is_in_message)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_PACED) == 0)
        return 0;
    plx__pace *pace = pace_of(loop, found);
    bool begins = is_in_message != 0 && !pace->is_in_message;
    pace->is_in_message = is_in_message != 0;
    plx__time_look(loop);
    if (begins)
        allowance_set(loop, pace, pace->grace_ns);
    return 0;
}
