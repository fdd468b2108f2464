/* tests/fuzz_settings.h - settings by chance, of the backend that the options name. */
#ifndef FUZZ_SETTINGS_H
#define FUZZ_SETTINGS_H

#include <pollux/pollux.h>

#include "tests/chance.h"

/* They are valid until the next call. */
static inline void fuzz_settings_choose(plx_loop_options *options)
{
    static plx_setting chosen[4];
    const plx_setting all[4] = {
        {"idle_set", one_in(8) ? PLX_OFF : PLX_ON},
        {"idle_set_min", one_in(2) ? 1 + chance_below(20) : 0},
        {"idle_after_ns", one_in(2) ? 1 : PLX_MILLISECOND},
        {"accepts_ahead", one_in(2) ? 1 + chance_below(40) : 0},
    };
    options->settings = chosen;
    options->settings_count = 0;
    for (size_t i = 0; i < 4; i++) {
        if (plx_settings_check(options->backend, &all[i], 1, NULL) == 0)
            chosen[options->settings_count++] = all[i];
    }
}

#endif
