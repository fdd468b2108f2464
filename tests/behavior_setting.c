/* tests/behavior_setting.c - settings of backends, in the options and in the environment, and the
 * counters that a backend alone has. */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_setting_cases[];

static int open_with(const char *backend, const plx_setting *settings, size_t count)
{
    plx_loop *loop = (plx_loop *)(void *)&loop;
    const plx_loop_options options = {
        .backend = backend, .settings = settings, .settings_count = count};
    int status = plx_loop_open(&loop, &options);
    ck_assert((status == 0) == (loop != NULL));
    ck_ok(plx_loop_close(loop));
    return status;
}

/* Opening and checking agree. */
static void expect_open(const char *backend, const plx_setting *settings, size_t count)
{
    ck_ok(plx_settings_check(backend, settings, count, NULL));
    ck_ok(open_with(backend, settings, count));
}

static void expect_refused(const char *backend, const plx_setting *settings, size_t count,
                           size_t wrong)
{
    size_t index = count;
    ck_assert_int_eq(plx_settings_check(backend, settings, count, &index), PLX_EINVAL);
    ck_assert_uint_eq(index, wrong);
    ck_assert_int_eq(open_with(backend, settings, count), PLX_EINVAL);
}

/* A loop that picks the case's backend itself takes it from here. */
static void backend_is_of_the_environment(const world *w)
{
    ck_ok(plx__test_environment("POLLUX_BACKEND", w->backend));
}

static void environment_end(void)
{
    ck_ok(plx__test_environment("POLLUX_BACKEND", NULL));
    ck_ok(plx__test_environment("POLLUX_SETTINGS", NULL));
}

/* Each key has one owner, a text, and a default that is in range. */
static void settings_are_described(world *w)
{
    plx_setting_info info, other;
    size_t count = 0;
    for (; plx_setting_describe(NULL, count, &info) == 0; count++) {
        ck_assert_uint_gt(info.by_default, 0);
        ck_assert(info.by_default >= info.min && info.by_default <= info.max);
        ck_assert_str_ne(info.text, "");
        for (size_t i = 0; i < count; i++) {
            ck_ok(plx_setting_describe(NULL, i, &other));
            ck_assert_str_ne(info.key, other.key);
        }
    }
    ck_assert_uint_ge(count, 4);
    ck_assert_int_eq(plx_setting_describe(NULL, SIZE_MAX, &info), PLX_EINVAL);
    ck_assert_int_eq(plx_setting_describe("carrier-pigeon", 0, &info), PLX_EBACKEND);
    ck_assert_int_eq(plx_settings_check("carrier-pigeon", NULL, 0, NULL), PLX_EBACKEND);
    for (count = 0; plx_setting_describe(w->backend, count, &info) == 0; count++)
        ck_assert_str_eq(info.backend, w->backend);
    ck_assert_uint_eq(count, strcmp(w->backend, "poll") == 0 ? 3 : strcmp(w->backend, "iocp") == 0);
}

/* The first and the last value of each setting are taken, and what is beyond them is not; 0 is. */
static void ranges_of_settings_are_exact(world *w)
{
    plx_setting_info info;
    for (size_t i = 0; plx_setting_describe(w->backend, i, &info) == 0; i++) {
        const plx_setting good[] = {{info.key, 0}, {info.key, info.min}, {info.key, info.max}};
        plx_setting bad[] = {{info.key, info.min}, {info.key, info.max + 1}};
        expect_open(w->backend, good, 3);
        if (info.max < UINT64_MAX)
            expect_refused(w->backend, bad, 2, 1);
        bad[1].value = info.min - 1;
        if (info.min > 1)
            expect_refused(w->backend, bad, 2, 1);
    }
}

/* What no backend has is refused, whether the options name a backend or not. */
static void unknown_keys_are_refused(world *w)
{
    static const char *const unknown[] = {"idle_after", "idle_set_", "Idle_set", "", NULL};
    backend_is_of_the_environment(w);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const plx_setting settings[] = {{unknown[i], 0}};
        expect_refused(w->backend, settings, 1, 0);
        expect_refused(NULL, settings, 1, 0);
    }
    expect_refused(w->backend, NULL, 1, 0);
    expect_open(w->backend, NULL, 0);
    environment_end();
}

/* The settings of another backend, compiled in or not, are refused if the options name a backend,
 * and else they are for the loops of that one. */
static void settings_of_other_backends_are_for_any_loop(world *w)
{
    plx_setting all[16];
    plx_setting_info info;
    size_t count = 0;
    for (; plx_setting_describe(NULL, count, &info) == 0; count++) {
        all[count] = (plx_setting){info.key, info.max};
        if (strcmp(info.backend, w->backend) == 0)
            expect_open(w->backend, &all[count], 1);
        else
            expect_refused(w->backend, &all[count], 1, 0);
    }
    backend_is_of_the_environment(w);
    expect_open(NULL, all, count);
    all[count - 1] = (plx_setting){"accepts_ahead", 1025};
    expect_refused(NULL, all, count, count - 1);
    environment_end();
}

/* Opens the case's loop anew, which picks its backend itself, and has one connection be idle in it.
 */
static void idle_pair_open(world *w, probe *p, peer *client, const plx_setting *settings,
                           size_t count)
{
    const plx_loop_options options = {.settings = settings, .settings_count = count};
    const plx_conn_options conn = probe_options(p);
    ck_ok(plx_loop_close(w->loop));
    ck_ok(plx_loop_open(&w->loop, &options));
    ck_assert_str_eq(plx_loop_backend_name(w->loop), w->backend);
    *client = connect_pair(w, p, &conn);
    turn_some(w);
}

/* Whether it joins the idle set, where the backend has one. */
static void expect_idle_set(world *w, const plx_setting *settings, size_t count, bool is_wanted)
{
    probe p = {0};
    peer client;
    idle_pair_open(w, &p, &client, settings, count);
    if (is_wanted && strcmp(w->backend, "poll") == 0)
        turn_until_backend_counter(w, "idle_set_added", 1);
    else
        ck_assert_uint_eq(backend_counter(w, "idle_set_added"), 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The last entry of a key counts, and one of 0 does not. */
static void last_entry_of_a_key_counts(world *w)
{
    const plx_setting settings[] = {{"idle_set_min", 1},   {"idle_after_ns", 1},
                                    {"idle_set", PLX_OFF}, {"idle_set", PLX_ON},
                                    {"idle_set", 0},       {"idle_set", PLX_OFF}};
    backend_is_of_the_environment(w);
    expect_idle_set(w, settings, 3, false);
    expect_idle_set(w, settings, 4, true);
    expect_idle_set(w, settings, 5, true);
    expect_idle_set(w, settings, 6, false);
    environment_end();
}

/* POLLUX_SETTINGS is for the keys that the options do not have, in loops whose options name no
 * backend. */
static void settings_of_the_environment(world *w)
{
    const plx_setting off = {"idle_set", PLX_OFF};
    const plx_setting on = {"idle_set", PLX_ON};
    backend_is_of_the_environment(w);
    ck_ok(plx__test_environment("POLLUX_SETTINGS", "idle_set_min=1 idle_after_ns=1"));
    expect_idle_set(w, NULL, 0, true);
    expect_idle_set(w, &off, 1, false);
    ck_ok(plx__test_environment("POLLUX_SETTINGS",
                                "\tidle_set_min=1  idle_after_ns=1\nidle_set=off "));
    expect_idle_set(w, NULL, 0, false);
    expect_idle_set(w, &on, 1, true);
    ck_ok(plx__test_environment("POLLUX_SETTINGS", "idle_set=off idle_set=on "
                                                   "idle_set_min=1 idle_after_ns=00001"));
    expect_idle_set(w, NULL, 0, true);
    environment_end();
}

static void wrong_environment_is_refused(world *w)
{
    static const char *const wrong[] = {
        "idle_set",
        "idle_set=",
        "idle_set=1",
        "idle_set=ON",
        "idle_set =on",
        "idle_set=on,idle_set_min=1",
        "idle_after=1",
        "idle_after_ns=-1",
        "idle_after_ns=1s",
        "idle_set_min=on",
        "accepts_ahead=1025",
        "idle_after_ns=18446744073709551616",
        "=1",
        "idle_set on",
        "idle_after_ns=-",
        "idle_after_ns=",
        "idle_set_min=1 x",
    };
    static const char *const right[] = {"", "  ", "idle_after_ns=18446744073709551615",
                                        "accepts_ahead=1024 idle_set_min=0"};
    char many[17 * 16] = "";
    backend_is_of_the_environment(w);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        ck_ok(plx__test_environment("POLLUX_SETTINGS", right[i]));
        ck_ok(open_with(NULL, NULL, 0));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_ok(plx__test_environment("POLLUX_SETTINGS", wrong[i]));
        int status = open_with(NULL, NULL, 0);
        ck_assert_msg(status == PLX_EINVAL, "\"%s\": %s", wrong[i], plx_error_name(status));
        ck_ok(open_with(w->backend, NULL, 0)); /* Those of a program that knows what it wants. */
    }
    for (int i = 0; i < 17; i++) {
        ck_ok(plx__test_environment("POLLUX_SETTINGS", many));
        ck_ok(open_with(NULL, NULL, 0));
        (void)snprintf(many + strlen(many), 16, "idle_set=on ");
    }
    ck_ok(plx__test_environment("POLLUX_SETTINGS", many));
    ck_assert_int_eq(open_with(NULL, NULL, 0), PLX_EINVAL);
    environment_end();
}

static void counters_are_known_by_name(world *w)
{
    const char *name;
    uint64_t value;
    size_t count = 0;
    for (; (name = plx_loop_counter_name(w->loop, count)) != NULL; count++) {
        value = 7;
        ck_ok(plx_loop_counter(w->loop, name, &value));
        ck_assert_uint_eq(value, 0); /* Nothing has happened. */
    }
    ck_assert_uint_eq(count, strcmp(w->backend, "poll") == 0 ? 4 : 0);
    ck_assert_ptr_null(plx_loop_counter_name(w->loop, SIZE_MAX));
    value = 7;
    ck_assert_int_eq(plx_loop_counter(w->loop, "idle_set_", &value), PLX_EINVAL);
    ck_assert_uint_eq(value, 0);
}

const test_case behavior_setting_cases[] = {
    CASE(settings_are_described),
    CASE(ranges_of_settings_are_exact),
    CASE(unknown_keys_are_refused),
    CASE(settings_of_other_backends_are_for_any_loop),
    CASE(last_entry_of_a_key_counts),
    CASE(settings_of_the_environment),
    CASE(wrong_environment_is_refused),
    CASE(counters_are_known_by_name),
    CASES_END,
};
