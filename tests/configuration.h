/* tests/configuration.h - the names that suites run under: a backend's, or that of a backend with
 * options that bring out what it does rarely else. */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include <pollux/pollux.h>

#include <stdbool.h>
#include <string.h>

#ifdef PLX_WINSOCK_DOUBLE
#include "platform/test_system.h"
#include "tests/winsock_double.h"
#endif

/* "NAME-windows" and "poll-windows-old" are those backends over the double of Winsock. */
static inline bool configuration_is_of(const char *name, const char *backend)
{
    size_t length = strlen(backend);
    return strncmp(name, backend, length) == 0 &&
           (strcmp(name + length, "-windows") == 0 || strcmp(name + length, "-windows-old") == 0);
}

/* The backend's own name. */
static inline const char *configuration_backend(const char *name)
{
    if (name == NULL)
        return NULL;
    if (strcmp(name, "poll-two-tier") == 0 || configuration_is_of(name, "poll"))
        return "poll";
    if (configuration_is_of(name, "select"))
        return "select";
    return configuration_is_of(name, "iocp") ? "iocp" : name;
}

/* Whether cases run in a simulation of their own under this name. */
static inline bool configuration_is_sim(const char *name)
{
    return name != NULL && strcmp(name, "sim") == 0;
}

/* Once, before anything else runs under this name. */
static inline void configuration_start(const char *name)
{
#ifdef PLX_WINSOCK_DOUBLE
    if (name == NULL || configuration_backend(name) == name || strcmp(name, "poll-two-tier") == 0)
        return;
    bool is_old = strcmp(name, "poll-windows-old") == 0;
    plx__test_old_poll(is_old);
    winsock_double_start(is_old ? WINSOCK_OLD : WINSOCK_AS_DOCUMENTED);
#else
    (void)name;
#endif
}

/* On "poll": from the first socket on, and every turn, whoever is idle joins the idle set. */
static inline plx_loop_options configuration_all_idle(plx_loop_options options)
{
    static const plx_setting settings[] = {{"idle_set_min", 1}, {"idle_after_ns", 1}};
    options.settings = settings;
    options.settings_count = 2;
    return options;
}

/* The options with what the name means. "poll-two-tier": configuration_all_idle(), unless they have
 * settings already. The settings of other backends are left out. */
static inline plx_loop_options configuration_options(const char *name, plx_loop_options options)
{
    options.backend = configuration_backend(name);
    if (name != NULL && strcmp(name, "poll-two-tier") == 0 && options.settings_count == 0)
        return configuration_all_idle(options);
    if (plx_settings_check(NULL, options.settings, options.settings_count, NULL) == 0 &&
        plx_settings_check(options.backend, options.settings, options.settings_count, NULL) != 0)
        options.settings_count = 0;
    return options;
}

#endif
