/* tools/options.c - getopt_long() in the words of this program. */
#include "tools/options.h"

#include <string.h>

#include <pollux/types.h>

#include "tools/suggestion.h"

#include <stdio.h>

#define OPTIONS_MAX 24u
#define SECONDS_MAX 86400u

/* --- options --------------------------------------------------------------------------------- */

static size_t options_count(const struct option *options)
{
    size_t count = 0;
    while (options[count].name != NULL)
        count++;
    return count;
}

static int option_unknown(const command *c, const struct option *options, const char *given)
{
    const char *names[OPTIONS_MAX];
    char word[32];
    size_t count = options_count(options);
    for (size_t i = 0; i < count; i++)
        names[i] = options[i].name;
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    const char *meant = suggestion_find(word, names, count);
    if (meant == NULL)
        return command_misused(c->name, "there is no option \"%s\"", given);
    return command_misused(c->name, "there is no option \"%s\"; did you mean --%s?", given, meant);
}

static const char *option_name(const struct option *options, int id)
{
    while (options->name != NULL && options->val != id)
        options++;
    return options->name;
}

/* getopt_long() has said '?' or ':', which stands for several mistakes. `optopt` is 0 for a long
 * option that is unknown, else says which one it is about; `last` is the argument it read last. */
static int option_wrong(const command *c, const struct option *options, int result,
                        const char *last)
{
    const char *name = optopt != 0 ? option_name(options, optopt) : NULL;
    if (result == ':')
        return command_misused(c->name, "--%s needs a value", name);
    if (name != NULL)
        return command_misused(c->name, "--%s takes no value", name);
    if (optopt != 0)
        return command_misused(c->name, "there is no option \"-%c\"", optopt);
    return option_unknown(c, options, last);
}

int options_read(const command *c, int count, char **arguments, const struct option *options,
                 option_take_fn take, void *data, char ***operands_out)
{
    struct option all[OPTIONS_MAX] = {{0}};
    size_t own = options_count(options);
    memcpy(all, options, own * sizeof *options);
    all[own] = (struct option){"help", no_argument, NULL, 'h'};
    opterr = 0; /* We say it in our own words. */
    optind = 0; /* Anew, wherever an earlier reading stopped. */
    for (;;) {
        int id = getopt_long(count, arguments, ":h", all, NULL);
        if (id == -1)
            break;
        if (id == '?' || id == ':')
            return option_wrong(c, all, id, arguments[optind - 1]);
        if (id == 'h') {
            fputs(c->help, stdout);
            return COMMAND_DONE;
        }
        const option_given given = {id, option_name(options, id), optarg};
        int status = take(data, &given);
        if (status != COMMAND_DONE)
            return status;
    }
    *operands_out = arguments + optind;
    return OPTIONS_TAKEN;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

bool value_count(const char *text, uint64_t least, uint64_t most, uint64_t *value_out)
{
    uint64_t value = 0;
    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (most - digit % 10) / 10 || value * 10 + digit > most)
            return false;
        value = value * 10 + digit;
    }
    *value_out = value;
    return *text == '\0' && value >= least;
}

bool value_seconds(const char *text, uint64_t *value_ns_out)
{
    uint64_t value = 0;
    if (!is_digit(*text))
        return false;
    for (; is_digit(*text) && value <= SECONDS_MAX; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    if (value > SECONDS_MAX)
        return false;
    value *= PLX_SECOND;
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return false;
        /* Digits beyond nanoseconds are worth nothing. */
        for (uint64_t place = PLX_SECOND / 10; is_digit(*text); text++, place /= 10)
            value += place * (uint64_t)(*text - '0');
    }
    *value_ns_out = value;
    return *text == '\0';
}

size_t value_list(char *text, char **pieces, size_t max)
{
    size_t count = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        bool is_last = text[length] == '\0';
        if (length == 0 || count == max)
            return 0;
        text[length] = '\0';
        pieces[count++] = text;
        if (is_last)
            return count;
        text += length + 1;
    }
}
