/* tests/tool_settings.c - settings as text, and what is said about wrong ones. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/setting.h"

extern const test_case tool_settings_cases[];

static bool poll_is_here(void)
{
    plx_setting_info info;
    return plx_setting_describe("poll", 0, &info) == 0;
}

static void settings_are_read(world *w)
{
    static const struct {
        const char *text, *key;
        uint64_t value;
    } right[] = {
        {"idle_set=on", "idle_set", PLX_ON},
        {"idle_set=off", "idle_set", PLX_OFF},
        {"idle_set_min=0", "idle_set_min", 0},
        {"idle_set_min=1", "idle_set_min", 1},
        {"idle_set_min=4294967295", "idle_set_min", UINT32_MAX},
        {"idle_after_ns=18446744073709551615", "idle_after_ns", UINT64_MAX},
        {"accepts_ahead=1024", "accepts_ahead", 1024},
    };
    char why[SETTING_WHY_MAX];
    (void)w;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        plx_setting setting = {NULL, 7};
        ck_assert(setting_read(&setting, NULL, 0, right[i].text, strlen(right[i].text), why));
        ck_assert_str_eq(setting.key, right[i].key);
        ck_assert_uint_eq(setting.value, right[i].value);
    }
}

static void expect_why(const char *const *backends, size_t count, const char *text,
                       const char *wanted)
{
    char why[SETTING_WHY_MAX] = "";
    plx_setting setting;
    ck_assert(!setting_read(&setting, backends, count, text, strlen(text), why));
    ck_assert_str_eq(why, wanted);
}

/* The key, what is wrong, and the way out. */
static void wrong_settings_are_explained(world *w)
{
    static const char *const poll[] = {"poll", "select"};
    static const char *const select_alone[] = {"select"};
    (void)w;
    expect_why(NULL, 0, "idle_set",
               "\"idle_set\" has no value; write KEY=VALUE, as in "
               "idle_after_ns=1000000");
    expect_why(NULL, 0, "idle_after=1",
               "no backend has a setting \"idle_after\"; did you mean \"idle_after_ns\"? "
               "'pollux backends --settings' lists them");
    expect_why(NULL, 0, "kettle=1",
               "no backend has a setting \"kettle\"; 'pollux backends --settings' lists them");
    expect_why(NULL, 0, "idle_set=1", "idle_set: \"1\" is neither on nor off");
    expect_why(NULL, 0, "accepts_ahead=1025",
               "accepts_ahead: \"1025\" is not a number from 1 to 1024");
    expect_why(NULL, 0, "accepts_ahead=", "accepts_ahead: \"\" is not a number from 1 to 1024");
    char text[SETTING_WHY_MAX] = "idle_set_min=";
    memset(text + strlen(text), '0', 128 - strlen(text));
    expect_why(NULL, 0, text, "\"idle_set_min=000...\" is too long for a setting");
    if (!poll_is_here() || plx_settings_check("select", NULL, 0, NULL) != 0)
        return;
    expect_why(poll, 1, "idle_after=1",
               "poll has no setting \"idle_after\"; did you mean \"idle_after_ns\"? "
               "'pollux backends --settings' lists them");
    expect_why(poll, 2, "idle_after=1",
               "none of these backends has a setting \"idle_after\"; did you mean "
               "\"idle_after_ns\"? 'pollux backends --settings' lists them");
    expect_why(select_alone, 1, "idle_set=on",
               "select has no setting \"idle_set\"; the backend poll has it");
    ck_assert(setting_is_of("poll", "idle_set=on"));
    ck_assert(!setting_is_of("poll", "idle_se=on"));
    ck_assert(!setting_is_of("select", "idle_set=on"));
}

/* What the tool accepts of the environment, a loop accepts, and the other way round. */
static void environment_is_checked_as_loops_do(world *w)
{
    static const char *const texts[] = {
        "",
        " ",
        "idle_set=off idle_after_ns=1",
        "\tidle_set=on\n",
        "idle_set",
        "idle_set=1",
        "idle_set=on x",
        "accepts_ahead=1024",
        "accepts_ahead=1025",
        "idle_set =on",
        "=on",
        "idle_after_ns=18446744073709551615",
        "idle_after_ns=18446744073709551616",
        "idle_set=on,idle_set_min=1",
        "idle_set_min=",
        "idle_set_min=0",
    };
    char many[17 * 12 + 1] = "";
    char why[SETTING_WHY_MAX];
    plx_loop *loop;
    (void)w;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_ok(plx__test_environment("POLLUX_SETTINGS", texts[i]));
        bool is_right = plx_loop_open(&loop, NULL) == 0;
        ck_ok(plx_loop_close(loop));
        ck_assert_msg(setting_environment_check(why) == is_right, "\"%s\"", texts[i]);
    }
    for (int i = 1; i <= 17; i++) {
        strcat(many, "idle_set=on ");
        ck_ok(plx__test_environment("POLLUX_SETTINGS", many));
        ck_assert(setting_environment_check(why) == (i <= 16));
    }
    ck_assert_str_eq(why, "at most 16 settings");
    ck_ok(plx__test_environment("POLLUX_SETTINGS", NULL));
}

static void lists_of_settings_are_bounded(world *w)
{
    setting_list list = {.count = 0};
    (void)w;
    for (unsigned i = 0; i < SETTINGS_MAX; i++)
        ck_assert_int_eq(setting_list_add(&list, "serve", "idle_set=on"), COMMAND_DONE);
    ck_assert_int_eq(setting_list_add(&list, "serve", "idle_set=on"), COMMAND_MISUSED);
    ck_assert_int_eq(setting_list_check(&list, "serve", NULL, 0), OPTIONS_TAKEN);
    ck_assert_str_eq(list.settings[SETTINGS_MAX - 1].key, "idle_set");
    ck_assert_uint_eq(list.settings[SETTINGS_MAX - 1].value, PLX_ON);
    list.texts[3] = "idle_set";
    ck_assert_int_eq(setting_list_check(&list, "serve", NULL, 0), COMMAND_MISUSED);
    /* An unknown backend is told of by what opens a loop on it. */
    const char *const unknown[] = {"carrier-pigeon"};
    ck_assert_int_eq(setting_list_check(&list, "serve", unknown, 1), OPTIONS_TAKEN);
}

const test_case tool_settings_cases[] = {
    CASE(settings_are_read),
    CASE(wrong_settings_are_explained),
    CASE(environment_is_checked_as_loops_do),
    CASE(lists_of_settings_are_bounded),
    CASES_END,
};
