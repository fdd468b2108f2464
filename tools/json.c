/* tools/json.c - see tools/json.h. */
#include "tools/json.h"

#include <stdio.h>

#include "tools/command.h"
#include "tools/failure.h"

int json_print(const char *name, cJSON *value, bool is_indented)
{
    char *text = is_indented ? cJSON_Print(value) : cJSON_PrintUnformatted(value);
    cJSON_Delete(value);
    if (text == NULL)
        return failure_print(name, "out of memory");
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    return COMMAND_DONE;
}
