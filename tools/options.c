/* tools/options.c - reads the command line. getopt_long() would do, but Microsoft's C library has
 * none, and no C library that parses options is in Debian, vcpkg, MSYS2 and Homebrew alike. */
#include "tools/options.h"

#include <stdio.h>
#include <string.h>

#include <pollux/types.h>

#include "tools/suggestion.h"

#define OPTIONS_MAX 24u
#define SECONDS_MAX 86400u

/* --- options --------------------------------------------------------------------------------- */

static const option_form help_form = {.name = "help"};

static const option_form *form_find(const option_form *forms, const char *name, size_t length)
{
    for (; forms->name != NULL; forms++) {
        if (strlen(forms->name) == length && memcmp(forms->name, name, length) == 0)
            return forms;
    }
    return length == 4 && memcmp(name, "help", 4) == 0 ? &help_form : NULL;
}

/* The one option whose name begins like this, or the nearest one, or NULL. */
static const char *form_nearest(const option_form *forms, const char *word)
{
    const char *names[OPTIONS_MAX] = {"help"};
    const char *longer = NULL;
    size_t count = 1;
    size_t matches = 0;
    for (; forms->name != NULL && count < OPTIONS_MAX; forms++)
        names[count++] = forms->name;
    for (size_t i = 0; i < count; i++) {
        if (word[0] != '\0' && strncmp(names[i], word, strlen(word)) == 0) {
            longer = names[i];
            matches++;
        }
    }
    return matches == 1 ? longer : suggestion_find(word, names, count);
}

static int option_unknown(const command *c, const option_form *forms, const char *argument)
{
    char word[32];
    int length = (int)strcspn(argument, "=");
    (void)snprintf(word, sizeof word, "%.*s", length - 2, argument + 2);
    const char *meant = form_nearest(forms, word);
    if (meant == NULL)
        return command_misused(c->name, "unknown option \"%.*s\"", length, argument);
    return command_misused(c->name, "unknown option \"%.*s\"; did you mean --%s?", length, argument,
                           meant);
}

/* Reads the option `arguments[*index]`, and moves `*index` to its last argument. */
static int option_read(const command *c, char **arguments, int *index, const option_form *forms,
                       option_take_fn take, void *data)
{
    char *argument = arguments[*index];
    if (strcmp(argument, "-h") == 0)
        argument = "--help";
    if (argument[1] != '-')
        return command_misused(c->name, "unknown option \"%s\"", argument);
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const option_form *form = form_find(forms, name, length);
    if (form == NULL)
        return option_unknown(c, forms, argument);
    option_given given = {.id = form->id, .name = form->name};
    if (name[length] == '=')
        given.value = argument + 2 + length + 1;
    if (given.value != NULL && !form->has_value)
        return command_misused(c->name, "--%s takes no value", form->name);
    if (form == &help_form) {
        fputs(c->help, stdout);
        if (c->help_rest != NULL)
            fputs(c->help_rest, stdout);
        return COMMAND_DONE;
    }
    const char *next = given.value == NULL ? arguments[*index + 1] : NULL;
    bool is_left_out = form->has_value == OPTION_MAY_HAVE_VALUE && (next == NULL || *next == '-');
    if (form->has_value && given.value == NULL && !is_left_out)
        given.value = arguments[++*index];
    if (form->has_value && given.value == NULL && !is_left_out)
        return command_misused(c->name, "--%s needs a value", form->name);
    int status = take(data, &given);
    return status == COMMAND_DONE ? OPTIONS_TAKEN : status;
}

int options_read(const command *c, int count, char **arguments, const option_form *forms,
                 option_take_fn take, void *data, char ***operands_out)
{
    int operands = 1;
    bool has_ended = false;
    for (int i = 1; i < count; i++) {
        bool is_option = !has_ended && arguments[i][0] == '-' && arguments[i][1] != '\0';
        if (!is_option) {
            arguments[operands++] = arguments[i];
        } else if (strcmp(arguments[i], "--") == 0) {
            has_ended = true;
        } else {
            int status = option_read(c, arguments, &i, forms, take, data);
            if (status != OPTIONS_TAKEN)
                return status;
        }
    }
    arguments[operands] = NULL;
    *operands_out = arguments + 1;
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
