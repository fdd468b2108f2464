/* tests/unit_setting.c - what backends get of the settings. */
#include "core/setting.h"
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

const test_case unit_setting_cases[] = {
    CASE(settings_have_defaults),
    CASES_END,
};
