/* tools/setting.c - reads settings, and says what is wrong with one. The library's tables alone
 * know which there are. */
#include "tools/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/command.h"
#include "tools/options.h"
#include "tools/suggestion.h"

#define KEYS_MAX  32u
#define BLANKS    " \t\r\n"
#define LISTED_BY "'pollux backends --settings' lists them"

static bool key_is(const char *key, const char *text, size_t length)
{
    return strlen(key) == length && memcmp(key, text, length) == 0;
}

/* Among those of the backend; NULL: of any. */
static bool info_find(plx_setting_info *info_out, const char *backend, const char *key,
                      size_t length)
{
    for (size_t i = 0; plx_setting_describe(backend, i, info_out) == 0; i++) {
        if (key_is(info_out->key, key, length))
            return true;
    }
    return false;
}

static bool info_find_in(plx_setting_info *info_out, const char *const *backends, size_t count,
                         const char *key, size_t length)
{
    bool is_found = count == 0 && info_find(info_out, NULL, key, length);
    for (size_t i = 0; i < count && !is_found; i++)
        is_found = info_find(info_out, backends[i], key, length);
    return is_found;
}

/* Collects the keys, for a suggestion. */
static size_t keys_gather(const char **keys, const char *backend, size_t count)
{
    plx_setting_info info;
    for (size_t i = 0; count < KEYS_MAX && plx_setting_describe(backend, i, &info) == 0; i++)
        keys[count++] = info.key;
    return count;
}

static void key_unknown(char *why, const char *const *backends, size_t backends_count,
                        const char *key)
{
    const char *keys[KEYS_MAX];
    char owner[64] = "no backend has a";
    plx_setting_info info;
    size_t count = backends_count == 0 ? keys_gather(keys, NULL, 0) : 0;
    for (size_t i = 0; i < backends_count; i++)
        count = keys_gather(keys, backends[i], count);
    if (backends_count == 1)
        (void)snprintf(owner, sizeof owner, "%.32s has no", backends[0]);
    else if (backends_count > 1)
        (void)snprintf(owner, sizeof owner, "none of these backends has a");
    const char *meant = suggestion_find(key, keys, count);
    if (meant != NULL)
        (void)snprintf(why, SETTING_WHY_MAX, "%s setting \"%s\"; did you mean \"%s\"? " LISTED_BY,
                       owner, key, meant);
    else if (info_find(&info, NULL, key, strlen(key)))
        (void)snprintf(why, SETTING_WHY_MAX, "%s setting \"%s\"; the backend %s has it", owner, key,
                       info.backend);
    else
        (void)snprintf(why, SETTING_WHY_MAX, "%s setting \"%s\"; " LISTED_BY, owner, key);
}

static bool value_read(uint64_t *value_out, const plx_setting_info *info, const char *value,
                       char *why)
{
    if (info->is_switch != 0) {
        *value_out = strcmp(value, "on") == 0 ? PLX_ON : PLX_OFF;
        if (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)
            return true;
        (void)snprintf(why, SETTING_WHY_MAX, "%s: \"%s\" is neither on nor off", info->key, value);
        return false;
    }
    /* 0 means the default. */
    if (value_count(value, 0, info->max, value_out) && (*value_out == 0 || *value_out >= info->min))
        return true;
    (void)snprintf(why, SETTING_WHY_MAX, "%s: \"%s\" is not a number from %llu to %llu", info->key,
                   value, (unsigned long long)info->min, (unsigned long long)info->max);
    return false;
}

bool setting_read(plx_setting *setting_out, const char *const *backends, size_t backends_count,
                  const char *text, size_t length, char why[SETTING_WHY_MAX])
{
    char copy[128];
    plx_setting_info info;
    (void)snprintf(copy, sizeof copy, "%.*s", (int)(length < 127 ? length : 127), text);
    if (length >= sizeof copy) {
        (void)snprintf(why, SETTING_WHY_MAX, "\"%.16s...\" is too long for a setting", copy);
        return false;
    }
    char *value = strchr(copy, '=');
    if (value == NULL) {
        (void)snprintf(why, SETTING_WHY_MAX,
                       "\"%s\" has no value; write KEY=VALUE, as in idle_after_ns=1000000", copy);
        return false;
    }
    *value++ = '\0';
    if (!info_find_in(&info, backends, backends_count, copy, strlen(copy))) {
        key_unknown(why, backends, backends_count, copy);
        return false;
    }
    setting_out->key = info.key;
    return value_read(&setting_out->value, &info, value, why);
}

bool setting_is_of(const char *backend, const char *text)
{
    plx_setting_info info;
    return info_find(&info, backend, text, strcspn(text, "="));
}

int setting_list_add(setting_list *list, const char *name, const char *text)
{
    if (list->count == SETTINGS_MAX)
        return command_misused(name, "--set: at most %u settings", SETTINGS_MAX);
    list->texts[list->count++] = text;
    return COMMAND_DONE;
}

bool setting_environment_check(char why[SETTING_WHY_MAX])
{
    const char *text = getenv("POLLUX_SETTINGS");
    plx_setting setting;
    size_t count = 0;
    for (text = text != NULL ? text : ""; *(text += strspn(text, BLANKS)) != '\0';) {
        size_t length = strcspn(text, BLANKS);
        if (!setting_read(&setting, NULL, 0, text, length, why))
            return false;
        if (++count > SETTINGS_MAX) {
            (void)snprintf(why, SETTING_WHY_MAX, "at most %u settings", SETTINGS_MAX);
            return false;
        }
        text += length;
    }
    return true;
}

static bool backend_is_known(const char *backend)
{
    return plx_settings_check(backend, NULL, 0, NULL) == 0;
}

int setting_list_check(setting_list *list, const char *name, const char *const *backends,
                       size_t backends_count)
{
    char why[SETTING_WHY_MAX];
    for (size_t i = 0; i < backends_count; i++) {
        if (!backend_is_known(backends[i]))
            return OPTIONS_TAKEN; /* Opening a loop on it fails, and says so. */
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->texts[i];
        if (!setting_read(&list->settings[i], backends, backends_count, text, strlen(text), why))
            return command_misused(name, "--set: %s", why);
    }
    if (backends_count == 0 && !setting_environment_check(why))
        return command_misused(name, "POLLUX_SETTINGS: %s", why);
    return OPTIONS_TAKEN;
}
