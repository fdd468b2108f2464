/* tools/pollux.c - the command-line program: finds the command, and hands it the rest. */
#include <stdio.h>
#include <string.h>

#include <pollux/types.h>

#include "tools/command.h"
#include "tools/suggestion.h"

static const command *const commands[] = {
    &serve_command,
    &load_command,
    &compare_command,
    &backends_command,
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int help_print(void)
{
    puts("usage: pollux COMMAND [OPTION]...\n"
         "\n"
         "Runs and measures servers on Pollux, a portable event loop.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "  --help     Prints this; 'pollux COMMAND --help' describes a command\n"
         "  --version  Prints the version\n"
         "\n"
         "Examples:\n"
         "  pollux serve --mode http\n"
         "  pollux load --mode http --connections 64 --duration 5 tcp://127.0.0.1:7000\n"
         "  pollux compare\n"
         "\n"
         "Exit codes: 0 done; 1 failed; 2 wrong use; 130, 143 ended early by a signal.");
    return COMMAND_DONE;
}

static int command_unknown(const char *word)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *what = word[0] == '-' ? "option" : "command";
    const char *meant = suggestion_find(word, names, COMMANDS);
    if (meant == NULL)
        return command_misused(NULL, "unknown %s \"%s\"", what, word);
    return command_misused(NULL, "unknown %s \"%s\"; did you mean \"%s\"?", what, word, meant);
}

static int command_run(int count, char **arguments)
{
    if (count < 2)
        return command_misused(NULL, "missing command");
    const char *word = arguments[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help_print();
    if (strcmp(word, "--version") == 0) {
        puts("pollux " PLX_VERSION_TEXT);
        return COMMAND_DONE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i]->name) == 0)
            return commands[i]->run(count - 1, arguments + 1);
    }
    return command_unknown(word);
}

/* What was printed may wait for this, and the disk may be full: then half a report looks whole. */
static int output_end(int ended)
{
    bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (is_written || ended != COMMAND_DONE)
        return ended;
    fprintf(stderr, "pollux: the output could not be written; is the disk full?\n");
    return COMMAND_FAILED;
}

int main(int count, char **arguments)
{
    return output_end(command_run(count, arguments));
}
