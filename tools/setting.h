/* tools/setting.h - settings of backends as text: --set KEY=VALUE, and POLLUX_SETTINGS. */
#ifndef TOOLS_SETTING_H
#define TOOLS_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include <pollux/setting.h>

#define SETTINGS_MAX 16u

/* What --set was given. */
typedef struct setting_list {
    const char *texts[SETTINGS_MAX];    /* "KEY=VALUE". */
    plx_setting settings[SETTINGS_MAX]; /* The same, after setting_list_check(). */
    size_t count;
} setting_list;

/* Room enough for any sentence of setting_read(), the closing zero included, in bytes. */
#define SETTING_WHY_MAX 384

/* Reads the `length` bytes "KEY=VALUE" as a setting of one of the backends; none: of any. False:
 * `why` says what is wrong, and the way out. */
bool setting_read(plx_setting *setting_out, const char *const *backends, size_t backends_count,
                  const char *text, size_t length, char why[SETTING_WHY_MAX]);

/* Whether the backend has the key of the text. */
bool setting_is_of(const char *backend, const char *text);

/* Adds the value of a --set. Returns COMMAND_DONE or COMMAND_MISUSED. */
int setting_list_add(setting_list *list, const char *name, const char *text);

/* When all options have been read: makes settings of the texts, for the backends that the command
 * names; none: the loop picks its backend, and POLLUX_SETTINGS is checked too. Returns
 * OPTIONS_TAKEN, or COMMAND_MISUSED after saying what is wrong. */
int setting_list_check(setting_list *list, const char *name, const char *const *backends,
                       size_t backends_count);

/* Whether loops accept POLLUX_SETTINGS. False: `why` says what is wrong. */
bool setting_environment_check(char why[SETTING_WHY_MAX]);

#endif
