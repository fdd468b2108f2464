/* core/setting.c - checks settings, and reads those of the environment.
 *
 * It knows keys and ranges from the backends' tables alone.
 */
#include "core/setting.h"

#include <stdlib.h>
#include <string.h>

#include "core/assert.h"
#include "platform/sized.h"

#define BLANKS " \t\r\n"

static bool text_is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static const plx_setting_info *info_in(const plx__setting_table *table, const char *key,
                                       size_t length)
{
    for (size_t i = 0; table != NULL && i < table->count; i++) {
        if (text_is(key, length, table->infos[i].key))
            return &table->infos[i];
    }
    return NULL;
}

/* Of whichever backend has it. */
static const plx_setting_info *info_find(const char *key, size_t length)
{
    const plx_setting_info *info = NULL;
    const plx__setting_table *table;
    for (size_t i = 0; info == NULL && (table = plx__settings_at(i)) != NULL; i++)
        info = info_in(table, key, length);
    return info;
}

static bool is_in_range(const plx_setting_info *info, uint64_t value)
{
    return value == 0 || (value >= info->min && value <= info->max);
}

int plx_settings_check(const char *backend, const plx_setting *settings, size_t count,
                       size_t *index_out)
{
    const plx__backend_ops *ops = backend != NULL ? plx__backend_find(backend) : NULL;
    if (backend != NULL && ops == NULL)
        return PLX_EBACKEND;
    for (size_t i = 0; i < count; i++) {
        const plx_setting_info *info = NULL;
        if (settings != NULL && settings[i].key != NULL) {
            size_t length = strlen(settings[i].key);
            info = ops != NULL ? info_in(ops->settings, settings[i].key, length)
                               : info_find(settings[i].key, length);
        }
        if (info != NULL && is_in_range(info, settings[i].value))
            continue;
        if (index_out != NULL)
            *index_out = i;
        return PLX_EINVAL;
    }
    return 0;
}

int plx_setting_describe_sized(const char *backend, size_t index, plx_setting_info *info_out,
                               size_t info_bytes)
{
    const plx__backend_ops *ops = backend != NULL ? plx__backend_find(backend) : NULL;
    const plx__setting_table *table;
    if (backend != NULL && ops == NULL)
        return PLX_EBACKEND;
    for (size_t i = 0; (table = ops != NULL ? ops->settings : plx__settings_at(i)) != NULL; i++) {
        if (index < table->count) {
            plx__sized_give(info_out, info_bytes, &table->infos[index], sizeof table->infos[0]);
            return 0;
        }
        if (ops != NULL)
            break;
        index -= table->count;
    }
    return PLX_EINVAL;
}

/* --- the environment ------------------------------------------------------------------------- */

static bool number_read(const char *text, size_t length, uint64_t *value_out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = 10 * value + digit;
    }
    *value_out = value;
    return length > 0;
}

static bool switch_read(const char *text, size_t length, uint64_t *value_out)
{
    bool is_on = text_is(text, length, "on");
    *value_out = is_on ? PLX_ON : PLX_OFF;
    return is_on || text_is(text, length, "off");
}

/* Reads "KEY=VALUE" at the beginning of the text, and moves `*text` behind it. */
static int setting_read(plx_setting *setting, const char **text)
{
    const char *key = *text;
    size_t key_length = strcspn(key, "=" BLANKS);
    const plx_setting_info *info = info_find(key, key_length);
    if (info == NULL || key[key_length] != '=')
        return PLX_EINVAL;
    const char *value = key + key_length + 1;
    size_t length = strcspn(value, BLANKS);
    setting->key = info->key;
    *text = value + length;
    bool is_read = info->is_switch != 0 ? switch_read(value, length, &setting->value)
                                        : number_read(value, length, &setting->value);
    return is_read && is_in_range(info, setting->value) ? 0 : PLX_EINVAL;
}

static int environment_take(plx__settings *settings)
{
    const char *text = getenv("POLLUX_SETTINGS");
    int status = 0;
    for (text = text != NULL ? text : ""; status == 0;) {
        text += strspn(text, BLANKS);
        if (*text == '\0')
            break;
        if (settings->environment_count == PLX__ENVIRONMENT_SETTINGS_MAX)
            return PLX_EINVAL;
        status = setting_read(&settings->environment[settings->environment_count++], &text);
    }
    return status;
}

/* --- what a loop does with them -------------------------------------------------------------- */

int plx__settings_take(plx__settings *settings, const plx_loop_options *options)
{
    *settings = (plx__settings){.given = options->settings, .given_count = options->settings_count};
    int status =
        plx_settings_check(options->backend, options->settings, options->settings_count, NULL);
    return status == 0 && options->backend == NULL ? environment_take(settings) : status;
}

static void values_apply(uint64_t *values, const plx__setting_table *table,
                         const plx_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const plx_setting_info *info = info_in(table, settings[i].key, strlen(settings[i].key));
        if (info != NULL && settings[i].value != 0)
            values[info - table->infos] = settings[i].value;
    }
}

void plx__settings_resolve(const plx__settings *settings, const plx__backend_ops *ops,
                           uint64_t *values_out)
{
    const plx__setting_table *table = ops->settings;
    if (table == NULL)
        return;
    PLX_ASSERT(table->count <= PLX__SETTINGS_MAX);
    for (size_t i = 0; i < table->count; i++)
        values_out[i] = table->infos[i].by_default;
    values_apply(values_out, table, settings->environment, settings->environment_count);
    values_apply(values_out, table, settings->given, settings->given_count);
}
