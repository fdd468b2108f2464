/* tests/unit_setting.c - what backends get of the settings. */
#include <string.h>

#include "core/server/server.h"
#include "core/setting.h"
#include "platform/fault.h"
#include "tests/harness.h"

extern const test_case unit_setting_cases[];

/* A backend gets the default of each setting that nobody sets, in the order of its table. */
static void settings_have_defaults(world *w)
{
    const plx_loop_options options = {.connections_max = 1};
    plx__settings settings;
    const plx__backend_ops *ops;
    (void)w;
    ck_ok(plx__settings_take(&settings, &options));
    for (size_t i = 0; (ops = plx__backend_at(i)) != NULL; i++) {
        size_t count = ops->settings != NULL ? ops->settings->count : 0;
        uint64_t values[PLX__SETTINGS_MAX] = {0};
        plx__settings_resolve(&settings, ops, values);
        for (size_t k = 0; k < PLX__SETTINGS_MAX; k++)
            ck_assert_uint_eq(values[k], k < count ? ops->settings->infos[k].by_default : 0);
    }
}

static char key_first[] = "idle_set_min", key_last[] = "accepts_ahead";

/* What a server opens later has the options of the first loop, when the caller's are gone: another
 * list of settings, with keys that nobody frees, and the backend that the first loop has. */
static void copied_options_outlive_the_callers(world *w)
{
    char name[] = "pol";
    plx_setting settings[] = {{key_first, 7}, {key_last, 3}};
    const plx_loop_options options = {
        .backend = name, .connections_max = 11, .settings = settings, .settings_count = 2};
    plx_loop_options copy;
    (void)w;
    ck_ok(plx__loop_options_copy(&copy, &options, "poll"));
    memset(settings, 0, sizeof settings);
    ck_assert_str_eq(copy.backend, "poll");
    ck_assert_uint_eq(copy.connections_max, 11);
    ck_assert_uint_eq(copy.settings_count, 2);
    ck_assert_str_eq(copy.settings[0].key, "idle_set_min");
    ck_assert_ptr_ne(copy.settings[0].key, key_first);
    ck_assert_uint_eq(copy.settings[0].value, 7);
    ck_assert_str_eq(copy.settings[1].key, "accepts_ahead");
    ck_assert_ptr_ne(copy.settings[1].key, key_last);
    ck_assert_uint_eq(copy.settings[1].value, 3);
    plx__loop_options_free(&copy);
    ck_assert_ptr_null(copy.settings);
}

/* Who names no backend leaves it to the environment again. A copy without settings takes no memory.
 */
static void copied_options_may_be_few(world *w)
{
    const plx_setting settings[] = {{key_first, 7}};
    plx_loop_options options = {.receive_bytes = 5};
    plx_loop_options copy;
    (void)w;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_ok(plx__loop_options_copy(&copy, &options, "poll"));
    ck_assert_ptr_null(copy.backend);
    ck_assert_ptr_null(copy.settings);
    ck_assert_uint_eq(copy.receive_bytes, 5);
    options.settings = settings;
    options.settings_count = 1;
    ck_assert_int_eq(plx__loop_options_copy(&copy, &options, "poll"), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
}

const test_case unit_setting_cases[] = {
    CASE(settings_have_defaults),
    CASE(copied_options_outlive_the_callers),
    CASE(copied_options_may_be_few),
    CASES_END,
};
