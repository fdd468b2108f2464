/* core/conn/finish.c - ending a connection in order, within a time.
 *
 * A close while bytes of the peer are unread, or that bytes of the peer meet, resets the connection
 * (RFC 1122, 4.2.2.13; RFC 2525, 2.17), and a reset discards what the peer has received and not
 * read yet. So a server that answers and closes may destroy its answer. Finishing sends what is
 * queued, ends the sending side, and reads and discards until the peer has ended its side too.
 *
 * When the time is over, bytes that the system has taken are left to the system: closing sends them
 * and the end. Bytes that still wait in the queue are lost, and the peer is told by a reset
 * (plx__conn_close()).
 */
#include "core/conn/conn.h"

#define LINGER_DEFAULT_NS (5 * PLX_SECOND)

static void finish_begin(plx_loop *loop, plx__conn *conn, uint64_t linger_ns)
{
    plx__time_look(loop);
    conn->flags |= PLX__CONN_FINISHING;
    conn->finish_by_ns = plx__deadline(loop, linger_ns != 0 ? linger_ns : LINGER_DEFAULT_NS);
    plx__conn_output_finish(loop, conn);
    plx__conn_input_finish(loop, conn);
    if (plx__conn_is_open(conn))
        plx__conn_output_shutdown(loop, conn);
    if (plx__conn_is_open(conn))
        plx__conn_timeout_arm(loop, conn);
}

int plx_conn_finish(plx_loop *loop, plx_conn conn, uint64_t linger_ns)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_RELEASING) != 0)
        return PLX_EPIPE;
    if ((found->flags & PLX__CONN_CONNECTING) != 0)
        plx__conn_close(loop, found, 0);
    else if ((found->flags & PLX__CONN_FINISHING) == 0)
        finish_begin(loop, found, linger_ns);
    return 0;
}
