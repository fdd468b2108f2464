/* tests/fuzz_loops.c - owns what is counted of loops as a whole: who waits for room among posts. */
#include "tests/fuzz_loops.h"

#include "platform/platform.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_faults.h"

static uint64_t asked, told;

static void on_room(plx_loop *loop, void *data, int status)
{
    CHECK(data == &told);
    CHECK(status == 0 || status == PLX_ECANCELED);
    told++;
    if (status == PLX_ECANCELED)
        CHECK(plx_post_notify(loop, on_room, data) == PLX_ECANCELED);
}

static void room_ask(plx_loop *loop)
{
    for (size_t i = 1 + chance_below(3); i > 0; i--) {
        int status = plx_post_notify(loop, on_room, &told);
        CHECK(status == 0 || status == PLX_ECANCELED || fuzz_faults_may_cause(status));
        asked += status == 0;
    }
}

typedef struct visits {
    size_t left;
    uint64_t closed; /* The connection of this handle. */
} visits;

static int visit(plx_loop *loop, plx_conn conn, void *data)
{
    visits *v = data;
    CHECK(plx_loop_close(loop) == PLX_EBUSY);
    if (conn.bits == v->closed)
        CHECK(plx_conn_close(loop, conn) == 0); /* It is open. */
    return --v->left == 0 ? 99 : 0;
}

static void conns_visit(plx_loop *loop, uint64_t handle)
{
    visits v = {.left = 1 + chance_below(100), .closed = handle};
    int result = plx_loop_each_conn(loop, visit, &v);
    CHECK(result == (v.left == 0 ? 99 : 0));
    CHECK(v.left <= 100 && plx_loop_each_conn(loop, NULL, &v) == PLX_EINVAL);
}

static void background_set(plx_loop *loop, uint64_t bits)
{
    int is_background = one_in(2);
    int status[] = {
        plx_timer_set_background(loop, (plx_timer){bits}, is_background),
        plx_signal_set_background(loop, (plx_signal){bits}, is_background),
        plx_watch_set_background(loop, (plx_watch){bits}, is_background),
        plx_listener_set_background(loop, (plx_listener){bits}, is_background),
    };
    int found = 0;
    for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
        CHECK(status[i] == 0 || status[i] == PLX_ESTALE);
        found += status[i] == 0;
    }
    CHECK(found <= 1); /* A handle is of one kind. */
}

static void watch_ask(plx_loop *loop, uint64_t bits)
{
    plx_watch watch = {bits};
    void *data = plx_watch_data(loop, watch);
    uint32_t interest = plx_watch_interest(loop, watch);
    int status = plx_watch_set_data(loop, watch, data);
    CHECK((interest & ~(uint32_t)(PLX_READABLE | PLX_WRITABLE)) == 0);
    CHECK(status == 0 || (status == PLX_ESTALE && data == NULL && interest == 0));
}

/* Each name has a value, and each setting of the backend is what it says. */
static void names_ask(plx_loop *loop)
{
    const char *name;
    const char *backend = one_in(2) ? plx_loop_backend_name(loop) : NULL;
    plx_setting_info info;
    uint64_t value;
    for (size_t i = 0; (name = plx_loop_counter_name(loop, i)) != NULL; i++)
        CHECK(plx_loop_counter(loop, name, &value) == 0);
    CHECK(plx_loop_counter(loop, "no_such", &value) == PLX_EINVAL && value == 0);
    for (size_t i = 0; plx_setting_describe(backend, i, &info) == 0; i++) {
        size_t wrong = 1;
        const plx_setting setting = {info.key, one_in(2) ? info.max : UINT64_MAX};
        int status = plx_settings_check(backend, &setting, 1, &wrong);
        CHECK(status == (info.max == setting.value ? 0 : PLX_EINVAL));
        CHECK(status == 0 || wrong == 0);
    }
    CHECK(plx_setting_describe("no such", 0, &info) == PLX_EBACKEND);
    CHECK(plx_loop_connections(loop) < 1000);
    CHECK(plx_loop_is_in_turn(loop) <= 1);
}

void fuzz_loops_call(plx_loop *loop, uint64_t handle)
{
    switch (chance_below(9)) {
    case 8:
        names_ask(loop);
        break;
    case 0:
        conns_visit(loop, handle);
        break;
    case 1:
    case 2:
        room_ask(loop);
        break;
    case 3:
        plx_loop_set_data(loop, &asked);
        CHECK(plx_loop_data(loop) == &asked);
        break;
    case 4:
        watch_ask(loop, handle);
        break;
    default:
        background_set(loop, handle);
        break;
    }
}

plx_socket fuzz_loops_listening(void)
{
    plx__address address;
    plx_socket socket;
    CHECK(plx__address_parse(&address, "tcp://127.0.0.1:0") == 0);
    if (plx__socket_open(&socket, address.family) != 0)
        return PLX_SOCKET_NONE;
    if (plx__socket_bind(socket, &address) != 0) {
        plx__socket_close(socket);
        return PLX_SOCKET_NONE;
    }
    CHECK(one_in(10) || plx__socket_listen(socket, 16) == 0); /* Or not: then it is refused. */
    plx__socket_disown(socket);
    return socket;
}

void fuzz_loops_open(void)
{
    asked = told = 0;
}

void fuzz_loops_close(void)
{
    CHECK(asked == told);
}
