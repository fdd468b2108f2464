/* core/setting.h - the settings of backends: what a loop is given, and what a backend gets of it.
 */
#ifndef PLX__SETTING_H
#define PLX__SETTING_H

#include <pollux/loop.h>

#include "backends/backend.h"

#define PLX__ENVIRONMENT_SETTINGS_MAX 16u

/* All entries are known and in range. */
typedef struct plx__settings {
    const plx_setting *given; /* The program's; they matter more than those below. */
    size_t given_count;
    plx_setting environment[PLX__ENVIRONMENT_SETTINGS_MAX]; /* The keys are those of the tables. */
    size_t environment_count;
} plx__settings;

/* Checks the settings of the options, and reads those of the environment if the options name no
 * backend. 0, PLX_EINVAL or PLX_EBACKEND. */
int plx__settings_take(plx__settings *settings, const plx_loop_options *options);

/* Writes the backend's values, PLX__SETTINGS_MAX at most, in the order of its table. */
void plx__settings_resolve(const plx__settings *settings, const plx__backend_ops *ops,
                           uint64_t *values_out);

#endif
