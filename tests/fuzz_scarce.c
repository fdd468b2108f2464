/* tests/fuzz_scarce.c - owns one loop at a time, and the peers that wait for it.
 *
 * Descriptors, memory, or the loop's own connections run out for longer than a listener pauses.
 * Each peer is accepted or turned away in the end, and the listener is not deaf after that.
 */
#include "tests/fuzz_scarce.h"

#include "platform/fault.h"
#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_peers.h"

enum { PEERS = 8 };

enum scarcity { SCARCE_LIMIT, SCARCE_DESCRIPTORS, SCARCE_MEMORY, SCARCE_CONNECTIONS, SCARCITIES };

static struct {
    plx_socket peers[PEERS];
    uint64_t opened, closed;
    plx_conn newest;
    bool is_scarce;
} scarce;

fuzz_scarce_counts fuzz_scarce_count;

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)data;
    scarce.opened++;
    scarce.newest = conn;
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)data;
    CHECK(reason <= 0);
    scarce.closed++;
}

static void on_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    (void)data;
    CHECK(status == PLX_EMFILE || status == PLX_ENFILE || status == PLX_ENOMEM);
    CHECK(scarce.is_scarce);
    CHECK(plx_listener_address(loop, listener, text, sizeof text) == 0);
}

/* `spare`: how many descriptors may still be made if there is a limit on them. */
static void scarcity_begin(enum scarcity scarcity, uint32_t spare)
{
    scarce.is_scarce = true;
    if (scarcity == SCARCE_LIMIT)
        (void)plx__test_descriptor_limit(spare);
    else if (scarcity == SCARCE_DESCRIPTORS)
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    else if (scarcity == SCARCE_MEMORY)
        plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
}

static void scarcity_end(void)
{
    (void)plx__test_descriptor_limit(UINT32_MAX);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    (void)plx__fault_disarm(PLX__FAULT_MEMORY);
    scarce.is_scarce = false;
}

static bool peers_open(const char *text, uint64_t calls)
{
    plx__address address;
    bool is_open = plx__address_parse(&address, text) == 0;
    for (int i = 0; i < PEERS && is_open; i++) {
        is_open = fuzz_port_take_for(text, calls) &&
                  plx__socket_open(&scarce.peers[i], address.family) == 0;
        if (is_open)
            (void)plx__socket_connect(scarce.peers[i], &address);
    }
    return is_open;
}

static void peers_close(void)
{
    for (int i = 0; i < PEERS; i++)
        plx__socket_close(scarce.peers[i]);
}

/* The connections close one after the other, so that there is room for the next. */
static void all_are_met(plx_loop *loop)
{
    uint64_t until = plx__clock_now() + 20 * PLX_SECOND;
    plx_loop_stats stats;
    do {
        CHECK(plx__clock_now() < until);
        (void)plx_conn_close(loop, scarce.newest);
        CHECK(plx_loop_run_once(loop, PLX_MILLISECOND) == 0);
        plx_loop_stats_get(loop, &stats);
    } while (scarce.opened + stats.accepts_rejected < PEERS);
    fuzz_scarce_count.pauses += stats.accept_pauses;
    fuzz_scarce_count.rejected += stats.accepts_rejected;
}

static void life(plx_loop *loop, uint64_t calls)
{
    static const uint64_t durations[] = {0, 50, 150, 350};
    enum scarcity scarcity = (enum scarcity)chance_below(SCARCITIES);
    const plx_conn_options accepted = {.on_open = on_open, .on_close = on_close};
    const plx_listen_options options = {.conn = &accepted, .on_error = on_error};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    if (!fuzz_address_take(address, sizeof address, calls))
        return;
    CHECK(plx_listen(loop, &listener, address, &options) == 0);
    CHECK(plx_listener_address(loop, listener, address, sizeof address) == 0);
    /* A kernel that accepts by itself goes by the limit of when it was asked to (io_uring). */
    if (scarcity == SCARCE_LIMIT && one_in(2))
        scarcity_begin(scarcity, PEERS);
    CHECK(plx_loop_run_once(loop, 0) == 0);
    bool are_open = peers_open(address, calls);
    uint64_t until = plx__clock_now() + durations[chance_below(4)] * PLX_MILLISECOND;
    if (!scarce.is_scarce)
        scarcity_begin(scarcity, 0);
    do {
        CHECK(plx_loop_run_once(loop, 5 * PLX_MILLISECOND) == 0);
    } while (plx__clock_now() < until);
    scarcity_end();
    if (are_open)
        all_are_met(loop);
}

void fuzz_scarce_round(plx_loop_options options, uint64_t calls)
{
    plx_loop *loop;
    scarce.opened = scarce.closed = 0;
    scarce.newest.bits = 0;
    for (int i = 0; i < PEERS; i++)
        scarce.peers[i] = PLX_SOCKET_NONE;
    options.connections_max = one_in(2) ? 3 : 0;
    CHECK(plx_loop_open(&loop, &options) == 0);
    life(loop, calls);
    CHECK(plx_loop_close(loop) == 0);
    CHECK(scarce.opened == scarce.closed);
    peers_close();
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) == 0);
    CHECK(plx__fault_held(PLX__FAULT_DESCRIPTOR) == 0);
}
