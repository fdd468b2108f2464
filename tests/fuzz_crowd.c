/* tests/fuzz_crowd.c - owns one loop at a time, and the many peers that it accepts.
 *
 * All peers send at once, and get back what they have sent: none is overlooked, and no byte is
 * lost, repeated or another peer's, while some connections pause and others close amid that.
 */
#include "tests/fuzz_crowd.h"

#include <string.h>

#include "platform/fault.h"
#include "platform/platform.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_peers.h"
#include "tests/fuzz_settings.h"
#include "tests/fuzz_turns.h"

enum { MEMBERS_MAX = 700, TCP_MEMBERS_MAX = 30, PIECE_MAX = 3000, STAGES = 4, NAME_BYTES = 2 };

/* A peer and its connection, which knows whose it is from the first bytes: the peer's index. */
typedef struct member {
    plx_socket peer;
    plx_conn conn;     /* 0 bits: it is not known yet, or has closed. */
    uint64_t wanted;   /* How many bytes are to be sent by the peer in all, */
    uint64_t sent;     /* how many have been, */
    uint64_t echoed;   /* how many of those the loop has got and written, */
    uint64_t got;      /* and how many have come back. */
    bool is_to_resume; /* It is paused, or has left bytes that it is to be shown again. */
    bool is_dropped;   /* The loop has closed it by a call of ours. */
} member;

static struct {
    member members[MEMBERS_MAX];
    size_t count;
    uint64_t opened, closed;
} crowd;

fuzz_crowd_counts fuzz_crowd_count;

/* What a peer sends at a position. */
static unsigned char byte_at(size_t index, uint64_t position)
{
    if (position < NAME_BYTES)
        return (unsigned char)(index >> 8 * position);
    return (unsigned char)(index * 31 + position * 7 + (position >> 8));
}

static void bytes_check(const member *m, uint64_t position, const unsigned char *bytes,
                        size_t length)
{
    size_t index = (size_t)(m - crowd.members);
    for (size_t i = 0; i < length; i++)
        CHECK(bytes[i] == byte_at(index, position + i));
}

/* --- the loop's side ---------------------------------------------------------------------------
 */

static void drop(plx_loop *loop, member *m)
{
    if (m->conn.bits == 0 || m->is_dropped)
        return;
    m->is_dropped = true;
    fuzz_crowd_count.dropped++;
    CHECK((one_in(2) ? plx_conn_close(loop, m->conn) : plx_conn_reset(loop, m->conn)) == 0);
}

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)conn;
    CHECK(data == NULL);
    crowd.opened++;
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    member *m = data;
    (void)loop;
    crowd.closed++;
    CHECK(m != NULL && m->conn.bits == conn.bits);
    CHECK(reason == 0 || reason == PLX_ECANCELED || m->peer == PLX_SOCKET_NONE);
    m->conn.bits = 0;
}

static member *member_meet(plx_loop *loop, plx_conn conn, const unsigned char *bytes)
{
    size_t index = bytes[0] | (size_t)bytes[1] << 8;
    CHECK(index < crowd.count);
    member *m = &crowd.members[index];
    CHECK(m->conn.bits == 0 && m->echoed == 0 && !m->is_dropped);
    CHECK(plx_conn_set_data(loop, conn, m) == 0);
    m->conn = conn;
    return m;
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    member *m = data;
    if (m == NULL && length < NAME_BYTES)
        return 0;
    if (m == NULL)
        m = member_meet(loop, conn, bytes);
    CHECK(m->conn.bits == conn.bits && !m->is_dropped);
    CHECK(m->echoed + length <= m->sent);
    bytes_check(m, m->echoed, bytes, length);
    if (one_in(100))
        drop(loop, &crowd.members[chance_below(crowd.count)]); /* It may be ready, too. */
    if (m->is_dropped)
        return length;
    if (one_in(40)) {
        CHECK(plx_conn_pause(loop, conn) == 0);
        m->is_to_resume = true;
    }
    size_t consumed = one_in(10) ? chance_below(length + 1) : length;
    CHECK(plx_conn_write(loop, conn, bytes, consumed) == 0);
    m->echoed += consumed;
    m->is_to_resume = m->is_to_resume || consumed < length;
    return consumed;
}

/* --- the peers' side ---------------------------------------------------------------------------
 */

static bool is_served(const member *m)
{
    return m->is_dropped || (m->sent == m->wanted && m->got == m->sent);
}

static void peer_send(member *m)
{
    unsigned char bytes[PIECE_MAX];
    size_t length = (size_t)(m->wanted - m->sent);
    length = length < sizeof bytes ? length : sizeof bytes;
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at((size_t)(m - crowd.members), m->sent + i);
    ptrdiff_t sent = length == 0 ? 0 : plx__socket_send(m->peer, bytes, length);
    CHECK(sent >= 0 || m->is_dropped);
    m->sent += sent > 0 ? (uint64_t)sent : 0;
}

static void peer_receive(member *m)
{
    unsigned char bytes[PIECE_MAX];
    ptrdiff_t got = plx__socket_receive(m->peer, bytes, sizeof bytes);
    if (got > 0) {
        CHECK(m->got + (uint64_t)got <= m->sent);
        bytes_check(m, m->got, bytes, (size_t)got);
        m->got += (uint64_t)got;
    }
    CHECK(got > 0 || got == PLX_EAGAIN || m->is_dropped);
}

/* Whether all have got what they wait for. */
static bool peers_turn(plx_loop *loop)
{
    bool are_served = true;
    for (size_t i = 0; i < crowd.count; i++) {
        member *m = &crowd.members[i];
        if (is_served(m))
            continue;
        if (m->is_to_resume && one_in(4)) {
            CHECK(plx_conn_resume(loop, m->conn) == 0);
            m->is_to_resume = false;
        }
        peer_send(m);
        peer_receive(m);
        are_served = are_served && is_served(m);
    }
    return are_served;
}

static void peer_close(member *m)
{
    if (m->peer != PLX_SOCKET_NONE)
        (void)plx__socket_set(m->peer, PLX__SOCKET_RESET_ON_CLOSE, 1); /* It keeps no port. */
    plx__socket_close(m->peer);
    m->peer = PLX_SOCKET_NONE;
}

/* --- a round -----------------------------------------------------------------------------------
 */

/* Those after which nothing is lost. Who is new is closed if the system cannot be told of it. */
static void fault_arm(bool is_known)
{
    static const enum plx__fault_kind kinds[] = {PLX__FAULT_WAIT,    PLX__FAULT_IDLE_WAIT,
                                                 PLX__FAULT_FEATURE, PLX__FAULT_WAKE,
                                                 PLX__FAULT_THREAD,  PLX__FAULT_REGISTER};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    plx__fault_arm(kinds[chance_below(is_known ? KINDS : KINDS - 1)], (uint32_t)chance_below(40),
                   1 + (uint32_t)chance_below(3));
}

static void peers_connect(plx_loop *loop, const char *text, uint64_t calls)
{
    size_t most = strncmp(text, "tcp:", 4) == 0 ? TCP_MEMBERS_MAX : MEMBERS_MAX;
    size_t wanted = 1 + (one_in(2) ? most / 2 : 0) + chance_below(most / 2);
    plx__address address;
    CHECK(plx__address_parse(&address, text) == 0);
    for (crowd.count = 0; crowd.count < wanted && fuzz_port_take_for(text, calls); crowd.count++) {
        member *m = &crowd.members[crowd.count];
        *m = (member){.peer = PLX_SOCKET_NONE};
        CHECK(plx__socket_open(&m->peer, address.family) == 0);
        int status = plx__socket_connect(m->peer, &address);
        CHECK(status == 0 || status == PLX_EAGAIN);
        if (one_in(30))
            fuzz_turns_quiet(loop);
    }
    fuzz_crowd_count.members += crowd.count;
}

static void stage(plx_loop *loop, size_t piece_max, bool is_first)
{
    uint64_t until = plx__clock_now() + 30 * PLX_SECOND;
    size_t share = 1 + chance_below(3);
    for (size_t i = 0; i < crowd.count; i++) {
        member *m = &crowd.members[i];
        if (m->wanted == 0)
            m->wanted = NAME_BYTES;
        if (!m->is_dropped && one_in(share))
            m->wanted += chance_below(piece_max);
    }
    while (!peers_turn(loop)) {
        CHECK(plx__clock_now() < until);
        if (one_in(4))
            fault_arm(!is_first);
        if (one_in(4))
            fuzz_turns_run(loop);
        else
            fuzz_turns_quiet(loop);
    }
}

/* Peers that break off are told apart from those that stay. */
static void some_leave(plx_loop *loop)
{
    uint64_t until = plx__clock_now() + 30 * PLX_SECOND;
    size_t staying = 0;
    plx_loop_stats stats;
    for (size_t i = 0; i < crowd.count; i++) {
        member *m = &crowd.members[i];
        if (m->is_to_resume)
            CHECK(plx_conn_resume(loop, m->conn) == (m->is_dropped ? PLX_ESTALE : 0));
        if (one_in(2))
            peer_close(m);
        staying += m->peer != PLX_SOCKET_NONE && !m->is_dropped;
    }
    do {
        CHECK(plx__clock_now() < until);
        fuzz_turns_quiet(loop);
        plx_loop_stats_get(loop, &stats);
        CHECK(stats.connections_open >= staying);
    } while (stats.connections_open > staying);
}

static void life(plx_loop *loop, const char *text, size_t piece_max, uint64_t calls)
{
    const plx_conn_options accepted = {
        .on_open = on_open, .on_data = on_data, .on_close = on_close};
    const plx_listen_options options = {.conn = &accepted, .backlog = MEMBERS_MAX};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    CHECK(plx_listen(loop, &listener, text, &options) == 0);
    CHECK(plx_listener_address(loop, listener, address, sizeof address) == 0);
    peers_connect(loop, address, calls);
    for (int i = 0; i < STAGES; i++)
        stage(loop, piece_max, i == 0);
    fuzz_faults_end();
    CHECK(crowd.opened == crowd.count);
    some_leave(loop);
}

void fuzz_crowd_round(plx_loop_options options, uint64_t calls)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_loop *loop;
    if (!fuzz_address_take(address, sizeof address, calls))
        return;
    crowd.count = 0;
    crowd.opened = crowd.closed = 0;
    options.receive_bytes = one_in(2) ? 100 : 0;
    fuzz_settings_choose(&options);
    fuzz_turns_open();
    CHECK(plx_loop_open(&loop, &options) == 0);
    life(loop, address, options.receive_bytes != 0 ? PIECE_MAX / 4 : PIECE_MAX, calls);
    CHECK(plx_loop_close(loop) == 0);
    CHECK(crowd.opened == crowd.closed);
    for (size_t i = 0; i < crowd.count; i++)
        peer_close(&crowd.members[i]);
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
    CHECK(plx__fault_held(PLX__FAULT_DESCRIPTOR) == 0);
}
