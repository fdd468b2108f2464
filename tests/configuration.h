/* tests/configuration.h - the names that suites run under: a backend's, or that of a backend with
 * options that bring out what it does rarely else. */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include <pollux/pollux.h>

#include <string.h>

/* The backend's own name. */
static inline const char *configuration_backend(const char *name)
{
    return name != NULL && strcmp(name, "poll-two-tier") == 0 ? "poll" : name;
}

/* The options with what the name means. "poll-two-tier": from the first socket on, and every turn,
 * whoever is idle goes to the second thread. */
static inline plx_loop_options configuration_options(const char *name, plx_loop_options options)
{
    options.backend = configuration_backend(name);
    if (options.backend != name && options.poll_cold_min == 0) {
        options.poll_cold_min = 1;
        options.poll_cold_after_ns = 1;
    }
    return options;
}

#endif
