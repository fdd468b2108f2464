/* tests/harness.c - one case, one process, one thread. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assert.h"
#include "platform/test_system.h"
#include "tests/configuration.h"

#define CASES_MAX 1024

static const test_case *cases[CASES_MAX];
static size_t cases_count;
static const test_case *chosen;
static world the_world;
static bool world_has_loop;
static unsigned char *plenty_bytes;

/* --- the watchdog ------------------------------------------------------------------------------
 */

static plx__mutex watchdog_mutex;
static plx__condition watchdog_condition;
static bool watchdog_is_watching;
static bool watchdog_is_called_off;
static uint32_t watchdog_forks; /* It is a thread of the process that had so many behind it. */

static uint64_t seconds_from(const char *variable, unsigned by_default)
{
    const char *text = getenv(variable);
    unsigned long seconds = text != NULL ? strtoul(text, NULL, 10) : 0;
    return (seconds != 0 ? seconds : by_default) * PLX_SECOND;
}

uint64_t patience(void)
{
    return seconds_from("POLLUX_TEST_PATIENCE", 30);
}

static void watchdog_run(void *data)
{
    (void)data;
    uint64_t until = plx__clock_now() + seconds_from("POLLUX_TEST_TIMEOUT", 60);
    plx__mutex_lock(&watchdog_mutex);
    watchdog_is_watching = true;
    plx__condition_signal(&watchdog_condition);
    while (!watchdog_is_called_off) {
        uint64_t now = plx__clock_now();
        if (now >= until) {
            fprintf(stderr, "watchdog: %s hangs\n", chosen->name);
            abort();
        }
        (void)plx__condition_wait(&watchdog_condition, &watchdog_mutex, until - now);
    }
    plx__mutex_unlock(&watchdog_mutex);
}

/* Returns when it watches: starting a thread holds memory for a moment, which is not the case's. */
static bool watchdog_start(plx__thread *thread)
{
    plx__mutex_open(&watchdog_mutex);
    plx__condition_open(&watchdog_condition);
    if (plx__thread_start(thread, watchdog_run, NULL) != 0)
        return false;
    watchdog_forks = plx__forks();
    plx__mutex_lock(&watchdog_mutex);
    while (!watchdog_is_watching)
        (void)plx__condition_wait(&watchdog_condition, &watchdog_mutex, PLX_FOREVER);
    plx__mutex_unlock(&watchdog_mutex);
    return true;
}

static void watchdog_call_off(plx__thread *thread)
{
    if (plx__forks() != watchdog_forks)
        return; /* A check has failed in a child that the case has forked. */
    plx__mutex_lock(&watchdog_mutex);
    watchdog_is_called_off = true;
    plx__condition_signal(&watchdog_condition);
    plx__mutex_unlock(&watchdog_mutex);
    plx__thread_join(thread);
}

/* --- running a case ----------------------------------------------------------------------------
 */

static bool has_finished;

/* Check takes exit(0) inside a case for a pass where it cannot fork. */
static void exit_guard(void)
{
    if (!has_finished) {
        fprintf(stderr, "harness: the case ended the process\n");
        fflush(NULL);
        abort();
    }
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

/* The system's own count, where a double is in front of it; the other may be wrong about it. */
static long handles_open(void)
{
#ifdef PLX_WINSOCK_DOUBLE
    return winsock_double_handles();
#else
    return 0;
#endif
}

START_TEST(run_chosen)
{
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    long handles = handles_open();
    ck_ok(plx__sockets_start()); /* For the peers. */
    if (getenv("POLLUX_TEST_TINY") != NULL)
        plx__fault_arm(PLX__FAULT_ROOM, 0, UINT32_MAX);
    const bool is_sim = configuration_is_sim(the_world.configuration);
    if (is_sim)
        net_sim_open();
    if (world_has_loop)
        the_world.loop = world_loop_open(&the_world);
    chosen->run(&the_world);
    ck_ok(plx_loop_close(the_world.loop));
    if (is_sim)
        net_sim_close();
    free(plenty_bytes);
    plx__sockets_end();
    ck_assert_msg(plx__fault_held(PLX__FAULT_MEMORY) == memory, "%u pieces of memory leaked",
                  plx__fault_held(PLX__FAULT_MEMORY) - memory);
    ck_assert_msg(plx__fault_held(PLX__FAULT_DESCRIPTOR) == descriptors, "%u descriptors leaked",
                  plx__fault_held(PLX__FAULT_DESCRIPTOR) - descriptors);
    ck_assert_msg(handles_open() == handles, "%ld handles leaked", handles_open() - handles);
}
END_TEST

static int chosen_run(void)
{
    plx__thread watchdog;
    Suite *suite = suite_create("pollux");
    TCase *tcase = tcase_create(chosen->name);
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tcase, run_chosen);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    atexit(exit_guard);
    if (!watchdog_start(&watchdog)) {
        fprintf(stderr, "harness: no watchdog\n");
        return 1;
    }
    srunner_run_all(runner, CK_NORMAL);
    watchdog_call_off(&watchdog);
    int failed = srunner_ntests_failed(runner);
    int ran = srunner_ntests_run(runner);
    srunner_free(runner);
    has_finished = true;
    return failed == 0 && ran == 1 ? 0 : 1;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--backend NAME] [--list | CASE]\n", program);
    has_finished = true;
    return 2;
}

static void cases_gather(const test_case *const *groups)
{
    for (; *groups != NULL; groups++) {
        for (const test_case *one = *groups; one->name != NULL; one++) {
            PLX_ASSERT(cases_count < CASES_MAX);
            cases[cases_count++] = one;
        }
    }
}

int suite_main(int argc, char **argv, const test_case *const *groups, bool has_loop)
{
    const char *wanted = NULL;
    plx__test_unattended();
    cases_gather(groups);
    the_world.configuration = plx_backend_default();
    world_has_loop = has_loop;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc) {
            the_world.configuration = argv[++i];
        } else if (strcmp(argv[i], "--list") == 0) {
            for (size_t n = 0; n < cases_count; n++)
                puts(cases[n]->name);
            return 0;
        } else {
            wanted = argv[i];
        }
    }
    the_world.backend = configuration_backend(the_world.configuration);
    configuration_start(the_world.configuration);
    if (wanted == NULL)
        return usage(argv[0]);
    for (size_t n = 0; n < cases_count; n++) {
        if (strcmp(cases[n]->name, wanted) == 0)
            chosen = cases[n];
    }
    if (chosen == NULL) {
        fprintf(stderr, "%s: there is no case \"%s\"; --list names them\n", argv[0], wanted);
        return 2;
    }
    return chosen_run();
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
