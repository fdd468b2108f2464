/* tests/unit.c - the suite of the parts, without a loop. */
#include "tests/harness.h"

extern const test_case unit_array_cases[];
extern const test_case unit_bytes_cases[];
extern const test_case unit_clients_cases[];
extern const test_case unit_closing_cases[];
extern const test_case unit_idle_set_cases[];
extern const test_case unit_inbox_cases[];
extern const test_case unit_core_cases[];
extern const test_case unit_fork_cases[];
extern const test_case unit_path_cases[];
extern const test_case unit_platform_cases[];
extern const test_case unit_poll_cases[];
extern const test_case unit_prefix_cases[];
extern const test_case unit_proxy_cases[];
extern const test_case unit_readiness_cases[];
extern const test_case unit_seam_accept_cases[];
extern const test_case unit_seam_cases[];
extern const test_case unit_setting_cases[];
extern const test_case unit_sized_cases[];
extern const test_case unit_sockets_cases[];
extern const test_case unit_supervisor_cases[];
extern const test_case unit_tiers_cases[];
extern const test_case unit_version_cases[];
extern const test_case unit_wheel_cases[];
#ifdef __linux__
extern const test_case unit_linux_cases[];
#endif
#ifndef _WIN32
extern const test_case unit_unix_cases[];
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* What the sanitizers ask of a program: memory that there is none of is NULL, as elsewhere. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        unit_array_cases,
        unit_bytes_cases,
        unit_clients_cases,
        unit_closing_cases,
        unit_idle_set_cases,
        unit_inbox_cases,
        unit_core_cases,
        unit_fork_cases,
        unit_path_cases,
        unit_platform_cases,
        unit_poll_cases,
        unit_readiness_cases,
        unit_seam_accept_cases,
        unit_seam_cases,
        unit_setting_cases,
        unit_sized_cases,
        unit_sockets_cases,
#ifdef __linux__
        unit_linux_cases,
#endif
#ifndef _WIN32
        unit_unix_cases,
#endif
        unit_supervisor_cases,
        unit_prefix_cases,
        unit_proxy_cases,
        unit_tiers_cases,
        unit_version_cases,
        unit_wheel_cases,
        NULL,
    };
    return suite_main(argc, argv, groups, false);
}
