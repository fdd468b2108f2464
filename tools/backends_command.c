/* tools/backends_command.c - `pollux backends`: what is compiled in, and what of it runs here. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/command.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/setting.h"

enum { SETTINGS, JSON };

typedef struct backends_options {
    bool has_settings;
    bool is_json;
} backends_options;

static const char help[] =
    "usage: pollux backends [OPTION]...\n"
    "\n"
    "Lists the backends that this build has, the default first, and whether this machine can run\n"
    "each. \"selected\" marks the one that a loop uses when its program names none, where that is\n"
    "not the default: POLLUX_BACKEND names it, or this machine cannot run the default.\n"
    "\n"
    "  --settings  Lists the settings of these backends instead: their defaults and what they do\n"
    "  --json      Prints a JSON array\n"
    "  --help      Prints this\n"
    "\n"
    "A program sets them in plx_loop_options.settings; 'serve', 'load' and 'compare' take\n"
    "--set KEY=VALUE. POLLUX_SETTINGS=\"KEY=VALUE KEY=VALUE\" in the environment sets them for\n"
    "loops whose program names no backend.\n"
    "\n"
    "Exit codes: 0 listed; 1 failed; 2 wrong use.\n";

static int option_take(void *data, const option_given *given)
{
    backends_options *options = data;
    *(given->id == SETTINGS ? &options->has_settings : &options->is_json) = true;
    return COMMAND_DONE;
}

static bool is_default(const char *name)
{
    return strcmp(name, plx_backend_default()) == 0;
}

/* What a loop uses when its program names no backend; NULL if it cannot open. Read from the
 * environment, so that the listing works whatever POLLUX_BACKEND names. */
static const char *selected_find(void)
{
    const char *wanted = failure_backend_of_environment();
    const char *name;
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        bool is_it = wanted != NULL ? strcmp(name, wanted) == 0 : plx_backend_probe(name) == 0;
        if (is_it)
            return name;
    }
    return NULL;
}

/* A program that names no backend fails when POLLUX_BACKEND names one that cannot run, and when
 * POLLUX_SETTINGS is wrong. */
static void environment_check(const char *selected)
{
    char text[FAILURE_TEXT_MAX];
    char why[SETTING_WHY_MAX];
    int status = selected == NULL ? PLX_EBACKEND : plx_backend_probe(selected);
    if (!setting_environment_check(why)) {
        (void)snprintf(text, sizeof text, "POLLUX_SETTINGS: %s", why);
        (void)failure_print("backends", text);
    }
    if (failure_backend_of_environment() == NULL || status == 0)
        return;
    failure_of_backend(text, sizeof text, NULL, status);
    (void)failure_print("backends", text);
}

static int backends_print_json(const char *selected)
{
    cJSON *list = cJSON_CreateArray();
    const char *name;
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        int status = plx_backend_probe(name);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", name);
        cJSON_AddBoolToObject(entry, "default", is_default(name));
        cJSON_AddBoolToObject(entry, "selected", name == selected);
        cJSON_AddBoolToObject(entry, "runs", status == 0);
        if (status != 0)
            cJSON_AddStringToObject(entry, "reason", plx_error_text(status));
        if (status != 0 && plx_backend_needs(name) != NULL)
            cJSON_AddStringToObject(entry, "needs", plx_backend_needs(name));
        cJSON_AddItemToArray(list, entry);
    }
    return json_print("backends", list, true);
}

/* --- settings -------------------------------------------------------------------------------- */

static void setting_print(const plx_setting_info *info)
{
    char by_default[32], values[64];
    (void)snprintf(by_default, sizeof by_default, "%llu", (unsigned long long)info->by_default);
    (void)snprintf(values, sizeof values, "%llu to %llu", (unsigned long long)info->min,
                   (unsigned long long)info->max);
    if (info->is_switch != 0) {
        (void)snprintf(by_default, sizeof by_default, "%s",
                       info->by_default == PLX_ON ? "on" : "off");
        (void)snprintf(values, sizeof values, "on or off");
    }
    printf("%-8s  %-14s  %s\n", info->backend, info->key, info->text);
    printf("%-8s  %-14s  default %s; %s\n", "", "", by_default, values);
}

static cJSON *setting_json(const plx_setting_info *info)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "backend", info->backend);
    cJSON_AddStringToObject(entry, "key", info->key);
    cJSON_AddStringToObject(entry, "text", info->text);
    if (info->is_switch != 0) {
        cJSON_AddBoolToObject(entry, "default", info->by_default == PLX_ON);
        return entry;
    }
    cJSON_AddNumberToObject(entry, "default", (double)info->by_default);
    cJSON_AddNumberToObject(entry, "min", (double)info->min);
    cJSON_AddNumberToObject(entry, "max", (double)info->max);
    return entry;
}

static int settings_print(bool is_json)
{
    cJSON *list = is_json ? cJSON_CreateArray() : NULL;
    plx_setting_info info;
    const char *name;
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        for (size_t k = 0; plx_setting_describe(name, k, &info) == 0; k++) {
            if (is_json)
                cJSON_AddItemToArray(list, setting_json(&info));
            else
                setting_print(&info);
        }
    }
    return is_json ? json_print("backends", list, true) : COMMAND_DONE;
}

/* --- the command ----------------------------------------------------------------------------- */

static int backends_run(int count, char **arguments)
{
    static const option_form forms[] = {
        {"settings", SETTINGS, false},
        {"json", JSON, false},
        {NULL, 0, false},
    };
    backends_options options = {false, false};
    char **operands;
    const char *name;
    int status =
        options_read(&backends_command, count, arguments, forms, option_take, &options, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("backends", "unexpected argument \"%s\"", operands[0]);
    const char *selected = selected_find();
    environment_check(selected);
    if (options.has_settings)
        return settings_print(options.is_json);
    if (options.is_json)
        return backends_print_json(selected);
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        status = plx_backend_probe(name);
        const char *mark = is_default(name) ? "default" : name == selected ? "selected" : "";
        printf("%-8s  %-8s  %s%s\n", name, mark, status == 0 ? "runs here" : "does not run here: ",
               status == 0 ? "" : plx_error_text(status));
        if (status != 0 && plx_backend_needs(name) != NULL)
            printf("%-8s  %-8s  it needs %s\n", "", "", plx_backend_needs(name));
    }
    return COMMAND_DONE;
}

const command backends_command = {
    .name = "backends",
    .summary = "lists the backends, and which of them run on this machine",
    .help = help,
    .run = backends_run,
};
