/* tests/unit_sized.c - programs that were compiled with an older or a newer header.
 *
 * An older struct is the beginning of today's: the bytes behind it are none of its own, so they say
 * what would be an error. A newer one has a tail that this library does not know.
 */
#include <string.h>

#include "tests/harness.h"

extern const test_case unit_sized_cases[];

enum { TAIL = 24 };

static const plx_setting no_setting[] = {{"no such setting", 1}};

static plx_loop *loop_open(void)
{
    plx_loop *loop;
    ck_ok(plx_loop_open(&loop, NULL));
    return loop;
}

static uint64_t open_in(const plx_loop *loop)
{
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    return stats.connections_open;
}

static void loop_options_of_any_age(world *w)
{
    struct {
        plx_loop_options options;
        unsigned char tail[TAIL];
    } newer = {.options = {.connections_max = 1, .settings = no_setting, .settings_count = 1}};
    plx_loop_options *options = &newer.options;
    plx_loop *loop;
    (void)w;
    ck_assert_int_eq(plx_loop_open_sized(&loop, options, sizeof *options), PLX_EINVAL);
    ck_ok(plx_loop_open_sized(&loop, options, offsetof(plx_loop_options, settings)));
    ck_ok(plx_connect(loop, NULL, "tcp://127.0.0.1:1", NULL));
    ck_assert_int_eq(plx_connect(loop, NULL, "tcp://127.0.0.1:1", NULL), PLX_ELIMIT);
    ck_ok(plx_loop_close(loop));
    options->settings_count = 0;
    ck_ok(plx_loop_open_sized(&loop, options, sizeof newer));
    ck_ok(plx_loop_close(loop));
    for (size_t i = 0; i < TAIL; i++) {
        newer.tail[i] = 1;
        ck_assert_int_eq(plx_loop_open_sized(&loop, options, sizeof *options + i + 1), PLX_EINVAL);
        ck_assert_ptr_null(loop);
        ck_ok(plx_loop_open_sized(&loop, options, sizeof *options + i));
        ck_ok(plx_loop_close(loop));
        newer.tail[i] = 0;
    }
    ck_ok(plx_loop_open_sized(&loop, NULL, sizeof newer));
    ck_ok(plx_loop_close(loop));
}

typedef struct newer_conn {
    plx_conn_options options;
    unsigned char tail[TAIL];
} newer_conn;

/* `wrong` is in the flags, which the older struct lacks. */
static const uint32_t wrong = 1u << 31;
#define OLDER_CONN offsetof(plx_conn_options, flags)

static void conn_options_of_any_age(world *w)
{
    newer_conn newer = {.options = {.flags = wrong}};
    const plx_conn_options *options = &newer.options;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    couple c = couple_open();
    plx_loop *loop = loop_open();
    (void)w;
    ck_assert_int_eq(plx_connect_sized(loop, NULL, address, options, sizeof *options), PLX_EINVAL);
    ck_ok(plx_connect_sized(loop, NULL, address, options, OLDER_CONN));
    ck_assert_int_eq(
        plx_conn_adopt_sized(loop, NULL, c.ours.socket, options, sizeof *options, NULL, 0),
        PLX_EINVAL);
    newer.options.flags = 0;
    newer.tail[TAIL - 1] = 1;
    ck_assert_int_eq(plx_connect_sized(loop, NULL, address, options, sizeof newer), PLX_EINVAL);
    ck_assert_int_eq(
        plx_conn_adopt_sized(loop, NULL, c.ours.socket, options, sizeof newer, NULL, 0),
        PLX_EINVAL);
    ck_assert_uint_eq(open_in(loop), 1);
    newer.tail[TAIL - 1] = 0;
    ck_ok(plx_connect_sized(loop, NULL, address, options, sizeof newer));
    newer.options.flags = wrong;
    ck_ok(plx_conn_adopt_sized(loop, NULL, c.ours.socket, options, OLDER_CONN, NULL, 0));
    newer.options.flags = 0;
    ck_ok(plx_conn_adopt_sized(loop, NULL, c.theirs.socket, options, sizeof newer, NULL, 0));
    ck_assert_uint_eq(open_in(loop), 4);
    plx__socket_disown(c.ours.socket); /* The loop owns them now, and counts them again. */
    plx__socket_disown(c.theirs.socket);
    ck_ok(plx_loop_close(loop));
    plx__socket_close(listener);
}

/* The same for a connection that gets others, and for one that begins with a header. */
static void later_conn_options_of_any_age(world *w)
{
    newer_conn newer = {.options = {.flags = wrong}};
    static const char *const trusted[] = {"::1"};
    struct {
        plx_proxy_options options;
        unsigned char tail[TAIL];
    } proxied = {.options = {.conn = &newer.options, .trusted = trusted, .trusted_count = 1}};
    const plx_conn_options *options = &newer.options;
    const plx_proxy_options *of = &proxied.options;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    plx_loop *loop = loop_open();
    plx_proxy *proxy;
    plx_conn conn;
    (void)w;
    ck_ok(plx_connect(loop, &conn, address, NULL));
    ck_assert_int_eq(plx_conn_become_sized(loop, conn, options, sizeof *options), PLX_EINVAL);
    ck_ok(plx_conn_become_sized(loop, conn, options, OLDER_CONN));
    ck_assert_int_eq(plx_proxy_open_sized(&proxy, of, sizeof *of, sizeof *options), PLX_EINVAL);
    ck_ok(plx_proxy_open_sized(&proxy, of, sizeof *of, OLDER_CONN));
    plx_proxy_conn_options_sized(proxy, &newer.options, sizeof newer);
    ck_assert_uint_eq(newer.tail[TAIL - 1], 0);
    plx_proxy_close(proxy);
    memset(&newer, 0, sizeof newer);
    newer.tail[TAIL - 1] = 1;
    ck_assert_int_eq(plx_conn_become_sized(loop, conn, options, sizeof newer), PLX_EINVAL);
    ck_ok(plx_conn_become_sized(loop, conn, options, sizeof *options));
    ck_assert_int_eq(plx_proxy_open_sized(&proxy, of, sizeof *of, sizeof newer), PLX_EINVAL);
    proxied.tail[0] = 1;
    ck_assert_int_eq(plx_proxy_open_sized(&proxy, of, sizeof proxied, OLDER_CONN), PLX_EINVAL);
    ck_assert_ptr_null(proxy);
    ck_ok(plx_loop_close(loop));
    plx__socket_close(listener);
}

/* A listener has two structs, each of an age of its own. */
static void listen_options_of_any_age(world *w)
{
    newer_conn conn = {.options = {.flags = wrong}};
    struct {
        plx_listen_options options;
        unsigned char tail[TAIL];
    } newer = {.options = {.conn = &conn.options}};
    const plx_listen_options *options = &newer.options;
    const struct {
        size_t options_bytes, conn_bytes;
        uint32_t flags;
        unsigned char tail, conn_tail;
        int status;
    } calls[] = {
        {sizeof *options, sizeof conn.options, wrong, 0, 0, PLX_EINVAL},
        {sizeof *options, sizeof conn.options, 0, 1, 1, 0},
        {sizeof *options, OLDER_CONN, wrong, 1, 1, 0},
        {sizeof *options, sizeof conn, 0, 1, 0, 0},
        {sizeof *options, sizeof conn, 0, 0, 1, PLX_EINVAL},
        {sizeof newer, sizeof conn.options, 0, 0, 1, 0},
        {sizeof newer, sizeof conn.options, 0, 1, 0, PLX_EINVAL},
        {offsetof(plx_listen_options, conn), sizeof conn.options, wrong, 0, 0, 0},
    };
    plx_loop *loop = loop_open();
    (void)w;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        plx_listener listener = {0};
        conn.options.flags = calls[i].flags;
        conn.tail[0] = calls[i].conn_tail;
        newer.tail[0] = calls[i].tail;
        int status = plx_listen_sized(loop, &listener, "tcp://127.0.0.1:0", options,
                                      calls[i].options_bytes, calls[i].conn_bytes);
        ck_assert_msg(status == calls[i].status, "call %u: %s", (unsigned)i,
                      plx_error_name(status));
        ck_assert((listener.bits != 0) == (status == 0));
    }
    ck_ok(plx_listen_sized(loop, NULL, "tcp://127.0.0.1:0", NULL, sizeof newer, sizeof conn));
    ck_ok(plx_loop_close(loop));
}

/* What is filled in is the caller's struct, and not a byte more. */
static void structs_of_any_age_are_filled_in(world *w)
{
    struct {
        plx_loop_stats stats;
        unsigned char tail[TAIL];
    } got;
    struct {
        plx_setting_info info;
        unsigned char tail[TAIL];
    } about;
    plx_loop_stats today;
    plx_setting_info info;
    const unsigned char *bytes = (const unsigned char *)&got;
    plx_loop *loop = loop_open();
    (void)w;
    ck_ok(plx_loop_run_once(loop, 0));
    plx_loop_stats_get(loop, &today);
    ck_assert_uint_eq(today.ticks, 1);
    for (size_t size = 0; size <= sizeof got; size++) {
        memset(&got, 0xA5, sizeof got);
        plx_loop_stats_get_sized(loop, &got.stats, size);
        size_t known = size < sizeof today ? size : sizeof today;
        ck_assert_int_eq(memcmp(&got, &today, known), 0);
        for (size_t i = known; i < sizeof got; i++)
            ck_assert_uint_eq(bytes[i], i < size ? 0 : 0xA5);
    }
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_setting_describe(NULL, 0, &info));
    memset(&about, 0xA5, sizeof about);
    ck_ok(plx_setting_describe_sized(NULL, 0, &about.info, sizeof info.key));
    ck_assert_ptr_eq(about.info.key, info.key);
    ck_assert_uint_eq(about.info.is_switch, 0xA5A5A5A5);
    ck_ok(plx_setting_describe_sized(NULL, 0, &about.info, sizeof about));
    ck_assert_uint_eq(about.info.is_switch, info.is_switch);
    ck_assert_uint_eq(about.tail[TAIL - 1], 0);
}

static int never_start(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    (void)server;
    (void)loop;
    (void)index;
    (void)data;
    return PLX_EACCES;
}

/* A server has two structs, too, and its listeners have theirs. */
static void server_options_of_any_age(world *w)
{
    struct {
        plx_server_options options;
        unsigned char tail[TAIL];
    } newer = {.options = {.loops = 1, .on_start = never_start, .no_threads = 1}};
    struct {
        plx_loop_options options;
        unsigned char tail[TAIL];
    } loop = {.options = {.settings = no_setting, .settings_count = 1}};
    newer_conn conn = {.options = {.flags = wrong}};
    const plx_listen_options listen = {.conn = &conn.options};
    const plx_server_options *options = &newer.options;
    const size_t older = offsetof(plx_server_options, no_threads);
    const size_t older_loop = offsetof(plx_loop_options, settings);
    plx_server *server;
    (void)w;
    ck_assert_int_eq(plx_server_open_sized(&server, options, sizeof *options, 0), PLX_EACCES);
    ck_assert_ptr_null(server);
    ck_ok(
        plx_server_open_sized(&server, options, older, 0)); /* It does not start without threads. */
    ck_ok(plx_server_close(server));
    newer.options = (plx_server_options){.loops = 1, .loop = &loop.options};
    ck_assert_int_eq(plx_server_open_sized(&server, options, sizeof newer, sizeof loop.options),
                     PLX_EINVAL);
    ck_ok(plx_server_open_sized(&server, options, sizeof newer, older_loop));
    ck_assert_int_eq(plx_server_listen_sized(server, "tcp://127.0.0.1:0", &listen, sizeof listen,
                                             sizeof conn.options),
                     PLX_EINVAL);
    ck_ok(plx_server_listen_sized(server, "tcp://127.0.0.1:0", &listen, sizeof listen, OLDER_CONN));
    ck_ok(plx_server_close(server));
    newer.tail[TAIL - 1] = 1;
    ck_assert_int_eq(plx_server_open_sized(&server, options, sizeof newer, older_loop), PLX_EINVAL);
    loop.options.settings_count = 0;
    newer.tail[TAIL - 1] = 0;
    loop.tail[0] = 1;
    ck_assert_int_eq(plx_server_open_sized(&server, options, sizeof newer, sizeof loop),
                     PLX_EINVAL);
    ck_assert_ptr_null(server);
}

static void server_limits_of_any_age(world *w)
{
    struct {
        plx_server_limits limits;
        unsigned char tail[TAIL];
    } newer = {.limits = {.receive_rate = UINT64_MAX}};
    const plx_server_limits *limits = &newer.limits;
    const plx_server_options options = {.loops = 1};
    plx_server *server;
    (void)w;
    ck_ok(plx_server_open(&server, &options));
    ck_assert_int_eq(plx_server_set_limits_sized(server, limits, sizeof *limits, NULL), PLX_EINVAL);
    ck_ok(plx_server_set_limits_sized(server, limits, offsetof(plx_server_limits, receive_rate),
                                      NULL));
    newer.limits.receive_rate = 1;
    ck_ok(plx_server_set_limits_sized(server, limits, sizeof newer, NULL));
    newer.tail[TAIL - 1] = 1;
    ck_assert_int_eq(plx_server_set_limits_sized(server, limits, sizeof newer, NULL), PLX_EINVAL);
    ck_ok(plx_server_close(server));
}

static void counts_check(plx_server *server, const plx_server_counts *counts, void *data)
{
    unsigned char bytes[sizeof(plx_loop_stats) + TAIL];
    plx_loop_stats whole;
    (void)server;
    plx_server_counts_total(counts, &whole);
    memset(bytes, 0xA5, sizeof bytes);
    plx_server_counts_total_sized(counts, (plx_loop_stats *)(void *)bytes, sizeof(uint64_t));
    ck_assert_mem_eq(bytes, &whole, sizeof(uint64_t));
    ck_assert_uint_eq(bytes[sizeof(uint64_t)], 0xA5);
    ck_ok(plx_server_counts_get_sized(counts, 0, (plx_loop_stats *)(void *)bytes, sizeof bytes));
    ck_assert_mem_eq(bytes, &whole, sizeof whole); /* There is one loop. */
    ck_assert_uint_eq(bytes[sizeof whole], 0);
    ck_assert_uint_eq(bytes[sizeof bytes - 1], 0);
    ck_assert_uint_eq(plx_server_counts_loops(counts), 1);
    *(bool *)data = true;
}

static void server_counters_of_any_age(world *w)
{
    const plx_server_options options = {.loops = 1, .no_threads = 1};
    plx_server *server;
    plx_server_stats stats[2];
    bool is_counted = false;
    (void)w;
    ck_ok(plx_server_open(&server, &options));
    memset(stats, 0xA5, sizeof stats);
    plx_server_stats_get_sized(server, stats, sizeof(uint64_t));
    ck_assert_uint_eq(stats[0].handed_over, 0);
    ck_assert_uint_eq(((const unsigned char *)stats)[sizeof(uint64_t)], 0xA5);
    plx_server_stats_get_sized(server, stats, sizeof stats);
    ck_assert_uint_eq(stats[1].handed_over, 0);
    ck_ok(plx_server_count(server, counts_check, &is_counted));
    ck_ok(plx_server_close(server));
    ck_assert(is_counted);
}

const test_case unit_sized_cases[] = {
    CASE(loop_options_of_any_age),
    CASE(conn_options_of_any_age),
    CASE(later_conn_options_of_any_age),
    CASE(listen_options_of_any_age),
    CASE(structs_of_any_age_are_filled_in),
    CASE(server_options_of_any_age),
    CASE(server_counters_of_any_age),
    CASE(server_limits_of_any_age),
    CASES_END,
};
