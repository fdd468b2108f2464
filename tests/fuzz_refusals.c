/* tests/fuzz_refusals.c - wrong arguments, stale handles, and small questions. */
#include "tests/fuzz_refusals.h"

#include <string.h>

#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_faults.h"

/* A loop that closes says so first. */
static bool is_refused(int status, int as)
{
    return status == as || status == PLX_ECANCELED;
}

static void nothing_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
}

static void nothing_on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                             uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static void nothing_on_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
}

/* Every code has a name and a sentence of its own. */
static void codes_check(void)
{
    static const int codes[] = {
#define CODE(name, number, text) number,
        PLX_ERROR_MAP(CODE)
#undef CODE
    };
    enum { CODES = sizeof codes / sizeof codes[0] };
    int code = codes[chance_below(CODES)];
    int other = codes[chance_below(CODES)];
    CHECK(strncmp(plx_error_name(code), "PLX_E", 5) == 0);
    CHECK((strcmp(plx_error_name(code), plx_error_name(other)) == 0) == (code == other));
    CHECK((strcmp(plx_error_text(code), plx_error_text(other)) == 0) == (code == other));
    CHECK(strcmp(plx_error_name(0), "PLX_OK") == 0);
    CHECK(strcmp(plx_error_text(0), "success") == 0);
    CHECK(strcmp(plx_error_name(1), "PLX_?") == 0);
    CHECK(strcmp(plx_error_text(-10000), "not a code of Pollux") == 0);
}

/* What is compiled in can be found by its name, and opened if its probe says so. */
static void backends_check(const plx_loop *loop)
{
    size_t count = 0;
    bool is_among_them = false;
    while (plx_backend_name(count) != NULL) {
        is_among_them =
            is_among_them || strcmp(plx_backend_name(count), plx_loop_backend_name(loop)) == 0;
        count++;
    }
    CHECK(is_among_them);
    CHECK(plx_backend_probe(plx_loop_backend_name(loop)) == 0);
    CHECK(strcmp(plx_backend_default(), plx_backend_name(0)) == 0);
    CHECK(plx_backend_probe(NULL) == PLX_EBACKEND);
    CHECK(plx_backend_probe("epol") == PLX_EBACKEND);
    CHECK(plx_backend_needs("epol") == NULL);
    CHECK(plx_backend_needs(NULL) == NULL);
    const char *name = plx_backend_name(chance_below(count));
    int status = plx_backend_probe(name);
    CHECK(status == 0 || (status == PLX_ENOSYS && plx_backend_needs(name) != NULL));
}

static void loop_options_check(void)
{
    static const plx_loop_options wrong[] = {
        {.connections_max = (1u << 24) + 1},
        {.receive_bytes = (64u << 20) + 1},
        {.posts_max = (1u << 30) + 1},
    };
    plx_loop *loop;
    CHECK(plx_loop_open(&loop, &wrong[chance_below(sizeof wrong / sizeof wrong[0])]) == PLX_EINVAL);
    CHECK(loop == NULL);
    CHECK(plx_loop_open(&loop, &(plx_loop_options){.backend = "epol"}) == PLX_EBACKEND);
    CHECK(loop == NULL);
    CHECK(plx_loop_open(&loop, NULL) == 0);
    CHECK(plx_loop_next_timeout(loop) == PLX_FOREVER);
    CHECK(plx_loop_run(loop) == 0); /* Nothing is open. */
    CHECK(plx_loop_close(loop) == 0);
    CHECK(plx_loop_close(NULL) == 0);
}

static void conn_options_check(plx_loop *loop)
{
    static const plx_conn_options wrong[] = {
        {.send_high = 5, .send_low = 10},
        {.send_high = 10, .send_max = 5},
        {.flags = 64},
    };
    const plx_conn_options *options = &wrong[chance_below(sizeof wrong / sizeof wrong[0])];
    const plx_listen_options listen = {.conn = options};
    CHECK(is_refused(plx_connect(loop, NULL, "tcp://127.0.0.1:1", options), PLX_EINVAL));
    CHECK(is_refused(plx_listen(loop, NULL, "tcp://127.0.0.1:0", &listen), PLX_EINVAL));
    CHECK(is_refused(plx_conn_adopt(loop, NULL, PLX_SOCKET_NONE, options, NULL, 0), PLX_EINVAL));
}

static void addresses_check(plx_loop *loop)
{
    static const struct {
        const char *text;
        int status;
    } addresses[] = {
        {"tcp://127.0.0.1:80", 0},
        {"tcp://[::1]:80", 0},
        {"", PLX_EADDRESS},
        {"tcp://nonsense", PLX_EADDRESS},
        {"tcp://127.0.0.1:70000", PLX_EADDRESS},
        {"udp://127.0.0.1:1", PLX_ESCHEME},
    };
    size_t i = chance_below(sizeof addresses / sizeof addresses[0]);
    int status = addresses[i].status;
    CHECK(plx_address_check(addresses[i].text) == status);
    if (status != 0) {
        CHECK(is_refused(plx_connect(loop, NULL, addresses[i].text, NULL), status));
        CHECK(is_refused(plx_listen(loop, NULL, addresses[i].text, NULL), status));
    }
}

static void sockets_check(plx_loop *loop)
{
    plx_socket socket;
    CHECK(plx_conn_adopt(loop, NULL, PLX_SOCKET_NONE, NULL, NULL, 1) == PLX_EINVAL);
    CHECK(plx__socket_open(&socket, PLX__FAMILY_IPV4) == 0);
    int adopted = plx_conn_adopt(loop, NULL, socket, NULL, NULL, 0);
    /* The number may be one that an owner closed under its watch. */
    CHECK(is_refused(adopted, PLX_ENOTCONN) || adopted == PLX_EEXIST);
    CHECK(plx_watch_open(loop, NULL, socket, 8, nothing_on_ready, NULL) == PLX_EINVAL);
    CHECK(plx_watch_open(loop, NULL, socket, PLX_READABLE, NULL, NULL) == PLX_EINVAL);
    plx__socket_close(socket);
    if (plx__test_device(&socket) == 0) {
        int status = plx_watch_open(loop, NULL, socket, PLX_READABLE, nothing_on_ready, NULL);
        CHECK(is_refused(status, PLX_ENOTSOCK));
        plx__socket_dispose(socket);
    }
}

/* Handles that never named anything, and callbacks that are none. */
static void handles_check(plx_loop *loop)
{
    const uint64_t bits = one_in(2) ? 0 : UINT64_MAX;
    const plx_conn conn = {bits};
    char text[PLX_ADDRESS_TEXT_MAX];
    CHECK(plx_conn_write(loop, conn, text, 0) == PLX_ESTALE);
    CHECK(plx_conn_reset(loop, conn) == PLX_ESTALE);
    CHECK(plx_conn_release(loop, conn) == PLX_ESTALE);
    CHECK(plx_conn_set_data(loop, conn, NULL) == PLX_ESTALE);
    CHECK(plx_conn_peer(loop, conn, text, sizeof text) == PLX_ESTALE);
    CHECK(plx_conn_is_high(loop, conn) == 0 && plx_conn_queued(loop, conn) == 0);
    CHECK(plx_listener_close(loop, (plx_listener){bits}) == PLX_ESTALE);
    CHECK(plx_listener_address(loop, (plx_listener){bits}, text, sizeof text) == PLX_ESTALE);
    CHECK(plx_timer_cancel(loop, (plx_timer){bits}) == PLX_ESTALE);
    CHECK(plx_timer_restart(loop, (plx_timer){bits}, 0) == PLX_ESTALE);
    CHECK(plx_watch_set(loop, (plx_watch){bits}, 0) == PLX_ESTALE);
    CHECK(plx_signal_close(loop, (plx_signal){bits}) == PLX_ESTALE);
    CHECK(plx_timer_start(loop, NULL, 0, 0, NULL, NULL) == PLX_EINVAL);
    CHECK(plx_signal_open(loop, NULL, 0, nothing_on_signal, NULL) == PLX_EINVAL);
    CHECK(plx_signal_open(loop, NULL, 8, nothing_on_signal, NULL) == PLX_EINVAL);
    CHECK(plx_post(loop, NULL, NULL) == PLX_EINVAL);
}

/* A timer bounds the next timeout, and asking for that changes nothing. */
static void time_check(plx_loop *loop)
{
    plx_timer timer;
    int status = plx_timer_start(loop, &timer, PLX_SECOND, 0, nothing_on_timer, NULL);
    uint64_t now = plx_loop_now(loop);
    CHECK(is_refused(status, 0));
    CHECK(plx_loop_next_timeout(loop) <= 2 * PLX_SECOND || status != 0);
    CHECK(plx_loop_now(loop) == now);
    if (status == 0)
        CHECK(plx_timer_cancel(loop, timer) == 0);
}

void fuzz_refusals_call(plx_loop *loop, bool is_inside)
{
    fuzz_faults_end();
    if (is_inside) {
        CHECK(plx_loop_run(loop) == PLX_EBUSY);
        CHECK(plx_loop_run_once(loop, 0) == PLX_EBUSY);
        CHECK(plx_loop_close(loop) == PLX_EBUSY);
    }
    CHECK(plx_loop_after_fork(loop) == 0);
    switch (chance_below(16)) {
    case 0:
        backends_check(loop);
        break;
    case 1:
        loop_options_check();
        break;
    case 2:
    case 3:
        sockets_check(loop);
        break;
    case 4:
    case 5:
        conn_options_check(loop);
        break;
    case 6:
    case 7:
        addresses_check(loop);
        break;
    case 8:
    case 9:
        handles_check(loop);
        break;
    case 10:
    case 11:
        time_check(loop);
        break;
    default:
        codes_check();
        break;
    }
}
