/* tests/tool_units.c - the parts of the command-line program, each on its own. */
#include <string.h>

#include "tests/harness.h"

extern const test_case tool_histogram_cases[];
extern const test_case tool_http_cases[];
extern const test_case tool_options_cases[];
extern const test_case tool_process_cases[];
extern const test_case tool_reply_cases[];
extern const test_case tool_settings_cases[];
extern const test_case tool_table_cases[];

/* What this program does when a case starts it as a child; see tests/tool_process.c. */
extern int tool_child_main(char **arguments);

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        tool_histogram_cases, tool_http_cases,     tool_options_cases, tool_process_cases,
        tool_reply_cases,     tool_settings_cases, tool_table_cases,   NULL,
    };
    if (argc > 2 && strcmp(argv[1], "--child") == 0)
        return tool_child_main(argv + 2);
    return suite_main(argc, argv, groups, false);
}
