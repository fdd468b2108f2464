/* tools/backends_command.c - `pollux backends`: what is compiled in, and what of it runs here. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "tools/command.h"
#include "tools/json.h"
#include "tools/options.h"

enum { JSON };

static const char help[] =
    "usage: pollux backends [OPTION]...\n"
    "\n"
    "Lists the backends that are compiled in, the default first, and whether this machine can\n"
    "run each.\n"
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

static int backends_print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    const char *name;
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        int status = plx_backend_probe(name);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", name);
        cJSON_AddBoolToObject(entry, "default", is_default(name));
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
        return command_misused("backends", "\"%s\" is too much", operands[0]);
    if (is_json)
        return backends_print_json();
    for (size_t i = 0; (name = plx_backend_name(i)) != NULL; i++) {
        status = plx_backend_probe(name);
        printf("%-8s  %-7s  %s%s\n", name, is_default(name) ? "default" : "",
               status == 0 ? "runs here" : "does not run here: ",
               status == 0 ? "" : plx_error_text(status));
        if (status != 0 && plx_backend_needs(name) != NULL)
            printf("%-8s  %-7s  it needs %s\n", "", "", plx_backend_needs(name));
    }
    return COMMAND_DONE;
}

const command backends_command = {
    .name = "backends",
    .summary = "lists the engines, and which of them run here",
    .help = help,
    .run = backends_run,
};
