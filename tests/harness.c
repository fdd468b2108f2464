/* tests/harness.c - what cases have: a loop that turns, peers, probes and patience. */
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/configuration.h"

static unsigned char *plenty_bytes;

uint64_t seconds_of(const char *variable, unsigned by_default)
{
    const char *text = getenv(variable);
    unsigned long seconds = text != NULL ? strtoul(text, NULL, 10) : 0;
    return (seconds != 0 ? seconds : by_default) * PLX_SECOND;
}

uint64_t patience(void)
{
    return seconds_of("POLLUX_TEST_PATIENCE", 30);
}

plx_loop_options world_options(const world *w, plx_loop_options options)
{
    return configuration_options(w->configuration, options);
}

void world_reopen(world *w, plx_loop_options options)
{
    ck_ok(plx_loop_close(w->loop));
    options = world_options(w, options);
    ck_ok(plx_loop_open(&w->loop, &options));
}

plx_loop *world_loop_open(const world *w)
{
    plx_loop *loop;
    const plx_loop_options options = world_options(w, (plx_loop_options){0});
    ck_ok(plx_loop_open(&loop, &options));
    return loop;
}

/* --- turning the loop --------------------------------------------------------------------------
 */

void turn(world *w)
{
    ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND));
}

static bool count_is_reached(void *data)
{
    const size_t *const *pair = data;
    return *pair[0] >= *pair[1];
}

void turn_until(world *w, const size_t *count, size_t wanted)
{
    const size_t *pair[2] = {count, &wanted};
    turn_until_true(w, count_is_reached, pair);
    ck_assert_uint_eq(*count, wanted);
}

void turn_until_true(world *w, bool (*is_done)(void *data), void *data)
{
    uint64_t until = net_now() + patience();
    while (!is_done(data)) {
        ck_assert_msg(net_now() < until, "patience is over");
        turn(w);
    }
}

uint64_t counter_at(const world *w, size_t offset)
{
    plx_loop_stats stats;
    uint64_t value;
    plx_loop_stats_get(w->loop, &stats);
    memcpy(&value, (const char *)&stats + offset, sizeof value);
    return value;
}

void turn_until_counter_at(world *w, size_t offset, uint64_t wanted)
{
    uint64_t until = net_now() + patience();
    while (counter_at(w, offset) < wanted) {
        ck_assert_msg(net_now() < until, "patience is over");
        turn(w);
    }
}

uint64_t backend_counter(const world *w, const char *name)
{
    uint64_t value;
    int status = plx_loop_counter(w->loop, name, &value);
    /* One that has counters has this one, or the case has misspelt it. */
    ck_assert_msg(status == 0 || plx_loop_counter_name(w->loop, 0) == NULL, "%s", name);
    return value;
}

void turn_until_backend_counter(world *w, const char *name, uint64_t wanted)
{
    uint64_t until = net_now() + patience();
    while (backend_counter(w, name) < wanted) {
        ck_assert_msg(net_now() < until, "patience is over");
        turn(w);
    }
}

static void time_passed(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

void turn_for(world *w, uint64_t time_ns)
{
    size_t passed = 0;
    ck_ok(plx_timer_start(w->loop, NULL, time_ns, 0, time_passed, &passed));
    turn_until(w, &passed, 1);
}

void turn_some(world *w)
{
    for (int i = 0; i < 20; i++)
        turn(w);
}

/* --- peers -------------------------------------------------------------------------------------
 */

peer peer_start(const char *address)
{
    peer p;
    plx__address parsed;
    ck_ok(plx__address_parse(&parsed, address));
    ck_ok(net_open(&p.socket, parsed.family));
    int status = net_connect(p.socket, &parsed);
    ck_assert_msg(status == 0 || status == PLX_EAGAIN, "connect: %s", plx_error_name(status));
    return p;
}

peer peer_open(world *w, const char *address)
{
    plx__address name;
    uint64_t until = net_now() + patience();
    peer p = peer_start(address);
    while (net_peer(p.socket, &name) != 0) {
        ck_assert_msg(net_now() < until, "connecting takes too long");
        turn(w);
    }
    return p;
}

void peer_send(world *w, peer *p, const void *bytes, size_t length)
{
    const unsigned char *rest = bytes;
    uint64_t until = net_now() + patience();
    while (length > 0) {
        ptrdiff_t sent = net_send(p->socket, rest, length);
        ck_assert_msg(sent >= 0, "the peer's send: %s", plx_error_name((int)sent));
        ck_assert_msg(net_now() < until, "the peer's send takes too long");
        rest += sent;
        length -= (size_t)sent;
        if (length > 0)
            turn(w);
    }
}

void peer_receive(world *w, peer *p, void *bytes, size_t length)
{
    unsigned char *rest = bytes;
    uint64_t until = net_now() + patience();
    while (length > 0) {
        ptrdiff_t got = net_receive(p->socket, rest, length);
        ck_assert_msg(got > 0 || got == PLX_EAGAIN, "the peer's receive: %s, %u bytes short",
                      got == 0 ? "end" : plx_error_name((int)got), (unsigned)length);
        ck_assert_msg(net_now() < until, "the peer waits for %u more bytes in vain",
                      (unsigned)length);
        if (got > 0) {
            rest += got;
            length -= (size_t)got;
        } else {
            turn(w);
        }
    }
}

int peer_drain(world *w, peer *p, size_t *count_out)
{
    unsigned char bytes[4096];
    uint64_t until = net_now() + patience();
    *count_out = 0;
    for (;;) {
        ptrdiff_t got = net_receive(p->socket, bytes, sizeof bytes);
        ck_assert_msg(net_now() < until, "the end does not come");
        if (got > 0)
            *count_out += (size_t)got;
        else if (got == PLX_EAGAIN)
            turn(w);
        else
            return got == 0 ? PLX_EEOF : (int)got;
    }
}

ptrdiff_t peer_try(peer *p, void *bytes, size_t size)
{
    return net_receive(p->socket, bytes, size);
}

/* Wine 8 says the end where Windows and Wine 10 say WSAECONNRESET. */
void expect_reset(int status)
{
    if (!plx__test_is_wine() || status != PLX_EEOF)
        ck_assert_msg(status == PLX_ECONNRESET || status == PLX_ECONNABORTED, "%s",
                      plx_error_name(status));
}

void peer_shutdown(peer *p)
{
    ck_ok(net_shutdown(p->socket));
}

void peer_reset(peer *p)
{
    ck_ok(net_set(p->socket, PLX__SOCKET_RESET_ON_CLOSE, 1));
    peer_close(p);
}

void peer_close(peer *p)
{
    net_close(p->socket);
    p->socket = PLX_SOCKET_NONE;
}

plx_socket socket_refusing(char *address)
{
    plx__address any;
    plx_socket bound;
    ck_ok(plx__address_parse(&any, "tcp://127.0.0.1:0"));
    ck_ok(net_open(&bound, any.family));
    ck_ok(net_bind(bound, &any));
    ck_ok(net_name(bound, &any));
    ck_ok(plx__address_print(&any, address, PLX_ADDRESS_TEXT_MAX));
    return bound;
}

plx_socket socket_listening(char *address)
{
    plx_socket listener = socket_refusing(address);
    ck_ok(net_listen(listener, 16));
    return listener;
}

peer peer_refused(void)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket bound = socket_refusing(address);
    peer refused = peer_start(address);
    net_close(bound);
    return refused;
}

couple couple_open(void)
{
    couple c;
    plx__address name;
    char address[PLX_ADDRESS_TEXT_MAX];
    uint64_t until = net_now() + patience();
    plx_socket listener = socket_listening(address);
    c.ours = peer_start(address);
    while (net_accept(listener, &c.theirs.socket) != 0)
        ck_assert_uint_lt(net_now(), until);
    while (net_peer(c.ours.socket, &name) != 0)
        ck_assert_uint_lt(net_now(), until);
    net_close(listener);
    return c;
}

void couple_close(couple *c)
{
    peer_close(&c->ours);
    peer_close(&c->theirs);
}

/* --- probes ------------------------------------------------------------------------------------
 */

static void probe_on_open(plx_loop *loop, plx_conn conn, void *data)
{
    probe *p = data;
    p->opened++;
    p->conn = conn;
    if (p->then_open != NULL)
        p->then_open(loop, conn, p);
}

static size_t probe_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                            size_t length)
{
    probe *p = data;
    p->shown++;
    size_t consumed = p->then_data != NULL ? p->then_data(loop, conn, p, bytes, length) : length;
    for (size_t i = 0; i < consumed; i++, p->received++) {
        if (p->received < sizeof p->bytes)
            p->bytes[p->received] = ((const unsigned char *)bytes)[i];
    }
    return consumed;
}

static void probe_on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    probe *p = data;
    p->drained++;
    if (p->then_drain != NULL)
        p->then_drain(loop, conn, p);
}

static void probe_on_end(plx_loop *loop, plx_conn conn, void *data)
{
    probe *p = data;
    p->ended++;
    p->then_end(loop, conn, p);
}

static void probe_on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    probe *p = data;
    p->closed++;
    p->reason = reason;
    p->gone = conn;
    if (p->then_close != NULL)
        p->then_close(loop, conn, p);
}

plx_conn_options probe_options(probe *p)
{
    return (plx_conn_options){
        .on_open = probe_on_open,
        .on_data = probe_on_data,
        .on_drain = probe_on_drain,
        .on_end = p->then_end != NULL ? probe_on_end : NULL,
        .on_close = probe_on_close,
        .data = p,
    };
}

plx_listener listen_at(world *w, const plx_conn_options *options, char *address)
{
    plx_listener listener;
    plx_listen_options listen = {.conn = options};
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, PLX_ADDRESS_TEXT_MAX));
    return listener;
}

peer connect_pair(world *w, probe *p, const plx_conn_options *options)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t before = p->opened;
    (void)listen_at(w, options, address);
    peer made = peer_open(w, address);
    turn_until(w, &p->opened, before + 1);
    return made;
}

size_t echo_back(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)p;
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

unsigned char *plenty(void)
{
    if (plenty_bytes == NULL)
        plenty_bytes = calloc(1, PLENTY);
    ck_assert_ptr_nonnull(plenty_bytes);
    return plenty_bytes;
}

void plenty_end(void)
{
    free(plenty_bytes);
    plenty_bytes = NULL;
}

void conn_fill(world *w, plx_conn conn, size_t most, size_t least)
{
    for (size_t piece = most;; piece = piece / 16 > least ? piece / 16 : least) {
        while (plx_conn_write(w->loop, conn, plenty(), piece) == 0)
            turn(w);
        if (piece == least)
            break;
    }
}

unsigned char pattern(size_t position)
{
    return (unsigned char)(position * 7 + position / 251);
}

void pattern_fill(unsigned char *bytes, size_t length, size_t position)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern(position + i);
}

void pattern_check(const void *bytes, size_t length, size_t position)
{
    const unsigned char *is = bytes;
    size_t good = 0;
    while (good < length && is[good] == pattern(position + good))
        good++;
    ck_assert_msg(good == length, "byte %lu of the stream is wrong",
                  (unsigned long)(position + good));
}
