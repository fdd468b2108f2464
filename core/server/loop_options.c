/* core/server/loop_options.c - a copy of a loop's options, for loops that are opened later. */
#include "core/server/server.h"

#include <pollux/setting.h>
#include <string.h>

/* The static string that is equal: the loop has opened, so there is one. */
static const char *key_find(const char *key)
{
    plx_setting_info info;
    for (size_t i = 0; plx_setting_describe(NULL, i, &info) == 0; i++) {
        if (strcmp(info.key, key) == 0)
            return info.key;
    }
    return NULL;
}

int plx__loop_options_copy(plx_loop_options *copy_out, const plx_loop_options *options,
                           const char *backend_name)
{
    plx_setting *settings = NULL;
    if (options->settings_count > 0) {
        settings = plx__allocate_zeroed(options->settings_count, sizeof *settings);
        if (settings == NULL)
            return PLX_ENOMEM;
    }
    for (size_t i = 0; i < options->settings_count; i++) {
        settings[i].key = key_find(options->settings[i].key);
        settings[i].value = options->settings[i].value;
    }
    *copy_out = *options;
    copy_out->settings = settings;
    if (options->backend != NULL)
        copy_out->backend = backend_name;
    return 0;
}

void plx__loop_options_free(plx_loop_options *copy)
{
    plx__free((void *)(uintptr_t)copy->settings);
    copy->settings = NULL;
}
