/* tests/tool_options.c - options, their values, and what is said about wrong ones. */
#include <string.h>

#include "tests/harness.h"
#include "tools/failure.h"
#include "tools/options.h"
#include "tools/suggestion.h"

extern const test_case tool_options_cases[];

/* --- values ---------------------------------------------------------------------------------- */

static void value_count_takes_whole_numbers_in_bounds(world *w)
{
    uint64_t value = 7;
    (void)w;
    ck_assert(value_count("1", 1, 100, &value));
    ck_assert_uint_eq(value, 1);
    ck_assert(value_count("00100", 1, 100, &value));
    ck_assert_uint_eq(value, 100);
    ck_assert(value_count("18446744073709551615", 0, UINT64_MAX, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    static const char *const wrong[] = {"",   "0",  "101", "-1",  "+1",  " 1",
                                        "1 ", "1x", "0x1", "1.5", "1e1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!value_count(wrong[i], 1, 100, &value), "\"%s\" passes", wrong[i]);
    ck_assert(!value_count("18446744073709551616", 0, UINT64_MAX, &value));
}

static void value_seconds_takes_fractions(world *w)
{
    static const struct {
        const char *text;
        uint64_t value_ns;
    } right[] = {
        {"0", 0},
        {"3", 3 * PLX_SECOND},
        {"0.25", 250 * PLX_MILLISECOND},
        {"1.000000001", PLX_SECOND + 1},
        {"0.0000000009", 0},
        {"86400", 86400 * PLX_SECOND},
    };
    static const char *const wrong[] = {"", ".5", "1.", "-1", "1s", "1,5", "86401", "1e3", "inf"};
    uint64_t value;
    (void)w;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        ck_assert_msg(value_seconds(right[i].text, &value), "\"%s\" fails", right[i].text);
        ck_assert_uint_eq(value, right[i].value_ns);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!value_seconds(wrong[i], &value), "\"%s\" passes", wrong[i]);
}

static void value_list_cuts_at_commas(world *w)
{
    char text[] = "16,64,1000";
    char *pieces[3];
    (void)w;
    ck_assert_uint_eq(value_list(text, pieces, 3), 3);
    ck_assert_str_eq(pieces[0], "16");
    ck_assert_str_eq(pieces[1], "64");
    ck_assert_str_eq(pieces[2], "1000");
    ck_assert_uint_eq(value_list((char[]){"a,b,c,d"}, pieces, 3), 0);
    ck_assert_uint_eq(value_list((char[]){"a,,c"}, pieces, 3), 0);
    ck_assert_uint_eq(value_list((char[]){"a,"}, pieces, 3), 0);
    ck_assert_uint_eq(value_list((char[]){""}, pieces, 3), 0);
}

/* --- suggestions ----------------------------------------------------------------------------- */

static void suggestion_is_the_nearest_word(world *w)
{
    static const char *const words[] = {"serve", "load", "compare", "backends"};
    (void)w;
    ck_assert_str_eq(suggestion_find("srve", words, 4), "serve");
    ck_assert_str_eq(suggestion_find("laod", words, 4), "load");
    ck_assert_str_eq(suggestion_find("backend", words, 4), "backends");
    ck_assert_str_eq(suggestion_find("comapre", words, 4), "compare");
    ck_assert_ptr_null(suggestion_find("frobnicate", words, 4));
    ck_assert_ptr_null(suggestion_find("a-word-that-is-longer-than-any-that-is-known", words, 4));
}

static void suggestion_list_is_prose(world *w)
{
    static const char *const words[] = {"poll", "select", "libuv"};
    char text[64];
    char small[10];
    (void)w;
    suggestion_list(text, sizeof text, words, 3);
    ck_assert_str_eq(text, "poll, select or libuv");
    suggestion_list(text, sizeof text, words, 1);
    ck_assert_str_eq(text, "poll");
    suggestion_list(small, sizeof small, words, 3);
    ck_assert_str_eq(small, "poll, sel");
}

/* --- options --------------------------------------------------------------------------------- */

enum { NAME, FLAG, MAYBE };

typedef struct taken {
    const char *name;
    int flags;
    const char *maybe;
    int maybes;
} taken;

static int option_take(void *data, const option_given *given)
{
    taken *t = data;
    if (given->id == NAME)
        t->name = given->value;
    else if (given->id == FLAG)
        t->flags++;
    else
        t->maybe = given->value;
    t->maybes += given->id == MAYBE;
    return COMMAND_DONE;
}

/* Returns what options_read() does; `*operands_out` are what was left. */
static int arguments_read(char **arguments, taken *t, char ***operands_out)
{
    static const option_form forms[] = {
        {"name", NAME, true},
        {"flag", FLAG, false},
        {"maybe", MAYBE, OPTION_MAY_HAVE_VALUE},
        {NULL, 0, false},
    };
    static const command tested = {.name = "tested", .help = "the help\n"};
    int count = 0;
    while (arguments[count] != NULL)
        count++;
    *t = (taken){0};
    return options_read(&tested, count, arguments, forms, option_take, t, operands_out);
}

#define READ(...) arguments_read((char *[]){"tested", __VA_ARGS__, NULL}, &t, &operands)

static void options_may_stand_anywhere(world *w)
{
    char *arguments[] = {"tested", "one", "--name", "x", "two", "--flag", "--", "--flag", NULL};
    char **operands;
    taken t;
    (void)w;
    ck_assert_int_eq(arguments_read(arguments, &t, &operands), OPTIONS_TAKEN);
    ck_assert_str_eq(t.name, "x");
    ck_assert_int_eq(t.flags, 1);
    ck_assert_str_eq(operands[0], "one");
    ck_assert_str_eq(operands[1], "two");
    ck_assert_str_eq(operands[2], "--flag");
    ck_assert_ptr_null(operands[3]);
}

/* What does not begin with "-" is the value. */
static void options_may_go_without_a_value(world *w)
{
    char *with[] = {"tested", "--maybe", "x", "--name", "y", NULL};
    char *joined[] = {"tested", "--maybe=-x", "operand", NULL};
    char **operands;
    taken t;
    (void)w;
    ck_assert_int_eq(READ("--maybe"), OPTIONS_TAKEN);
    ck_assert_ptr_null(t.maybe);
    ck_assert_int_eq(t.maybes, 1);
    ck_assert_int_eq(READ("--maybe", "--flag"), OPTIONS_TAKEN);
    ck_assert_ptr_null(t.maybe);
    ck_assert_int_eq(t.flags, 1);
    ck_assert_int_eq(arguments_read(with, &t, &operands), OPTIONS_TAKEN);
    ck_assert_str_eq(t.maybe, "x");
    ck_assert_str_eq(t.name, "y");
    ck_assert_ptr_null(operands[0]);
    ck_assert_int_eq(arguments_read(joined, &t, &operands), OPTIONS_TAKEN);
    ck_assert_str_eq(t.maybe, "-x");
    ck_assert_str_eq(operands[0], "operand");
}

static void options_that_are_wrong_are_misuse(world *w)
{
    char **operands;
    taken t;
    (void)w;
    ck_assert_int_eq(READ("--nmae", "x"), COMMAND_MISUSED);
    ck_assert_int_eq(READ("--name"), COMMAND_MISUSED);
    ck_assert_int_eq(READ("--flag=3"), COMMAND_MISUSED);
    ck_assert_int_eq(READ("-x"), COMMAND_MISUSED);
    ck_assert_int_eq(READ("operand", "-xy"), COMMAND_MISUSED);
    ck_assert_int_eq(READ("--name=x", "--help"), COMMAND_DONE);
}

/* --- failures -------------------------------------------------------------------------------- */

static void failure_names_the_thing_and_the_way_out(world *w)
{
    char text[FAILURE_TEXT_MAX];
    (void)w;
    failure_of_address(text, sizeof text, "tcp://127.0.0.1:80", PLX_EADDRINUSE);
    ck_assert_str_eq(text, "tcp://127.0.0.1:80: the address is in use (port 80); choose another "
                           "port or stop the program that uses it");
    failure_of_address(text, sizeof text, "unix:/tmp/x", PLX_EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(text, "choose another path"));
    failure_of_address(text, sizeof text, "example", PLX_EADDRESS);
    ck_assert_ptr_nonnull(strstr(text, "tcp://host:port"));
    failure_of_backend(text, sizeof text, "pol", PLX_EBACKEND);
    ck_assert_ptr_nonnull(strstr(text, "unknown backend \"pol\"; did you mean \"poll\"?"));
    failure_of_backend(text, sizeof text, "kettle", PLX_EBACKEND);
    for (size_t i = 0; plx_backend_name(i) != NULL; i++)
        ck_assert_ptr_nonnull(strstr(text, plx_backend_name(i)));
}

const test_case tool_options_cases[] = {
    CASE(value_count_takes_whole_numbers_in_bounds),
    CASE(value_seconds_takes_fractions),
    CASE(value_list_cuts_at_commas),
    CASE(suggestion_is_the_nearest_word),
    CASE(suggestion_list_is_prose),
    CASE(options_may_stand_anywhere),
    CASE(options_may_go_without_a_value),
    CASE(options_that_are_wrong_are_misuse),
    CASE(failure_names_the_thing_and_the_way_out),
    CASES_END,
};
