/* tools/backends_command.c - `pollux backends`: what is compiled in, and what of it runs here. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/command.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/options.h"

enum { JSON };

static const char help[] =
    "usage: pollux backends [OPTION]...\n"
    "\n"
    "Lists the backends that this build has, the default first, and whether this machine can run\n"
    "each. \"selected\" marks the one that a loop uses when its program names none, where that is\n"
    "not the default: POLLUX_BACKEND names it, or this machine cannot run the default.\n"
    "\n"
    "  --json  Prints a JSON array\n"
    "  --help  Prints this\n"
    "\n"
    "Exit codes: 0 listed; 1 failed; 2 wrong use.\n";

static int option_take(void *data, const option_given *given)
{
    (void)given;
    *(bool *)data = true;
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

/* A program that names no backend fails when the variable names one that cannot run. */
static void environment_check(const char *selected)
{
    char text[FAILURE_TEXT_MAX];
    int status = selected == NULL ? PLX_EBACKEND : plx_backend_probe(selected);
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

static int backends_run(int count, char **arguments)
{
    static const option_form forms[] = {
        {"json", JSON, false},
        {NULL, 0, false},
    };
    bool is_json = false;
    char **operands;
    const char *name;
    int status =
        options_read(&backends_command, count, arguments, forms, option_take, &is_json, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("backends", "unexpected argument \"%s\"", operands[0]);
    const char *selected = selected_find();
    environment_check(selected);
    if (is_json)
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
