/* tests/unit_version.c - the version has one value: CMake's, the headers' and the library's. */
#include <stdio.h>

#include "tests/harness.h"

extern const test_case unit_version_cases[];

/* POLLUX_PROJECT_VERSION is what CMakeLists.txt says. */
static void version_is_that_of_the_project(world *w)
{
    char text[32];
    (void)w;
    (void)snprintf(text, sizeof text, "%d.%d.%d", PLX_VERSION_MAJOR, PLX_VERSION_MINOR,
                   PLX_VERSION_PATCH);
    ck_assert_str_eq(text, POLLUX_PROJECT_VERSION);
    ck_assert_str_eq(PLX_VERSION_TEXT, POLLUX_PROJECT_VERSION);
    ck_assert_str_eq(plx_version_text(), POLLUX_PROJECT_VERSION);
}

static void version_is_a_number(world *w)
{
    (void)w;
    ck_assert_uint_eq(plx_version(), PLX_VERSION);
    ck_assert_uint_eq(plx_version() >> 16, PLX_VERSION_MAJOR);
    ck_assert_uint_eq(plx_version() >> 8 & 0xff, PLX_VERSION_MINOR);
    ck_assert_uint_eq(plx_version() & 0xff, PLX_VERSION_PATCH);
}

const test_case unit_version_cases[] = {
    CASE(version_is_that_of_the_project),
    CASE(version_is_a_number),
    CASES_END,
};
