/* posix/data/fnmatch.c - fnmatch(): whether a text is as a pattern of the shell says, byte by byte
 * as in the C locale.
 *
 * A star takes nothing first, and one byte more each time when what follows does not match. Only
 * the last star has to be tried again: what came before it matched with as little as it could.
 */
#include "posix/base/base.h"

#include <ctype.h>
#include <string.h>

enum {
    NO_ESCAPE = 1 << 1,
    OF_PATHS = 1 << 0,
    PERIODS_ARE_NAMED = 1 << 2,
    ENDS_AT_SLASH = 1 << 3,
    FOLDS_CASE = 1 << 4
};
enum { MATCHES = 0, NO_MATCH = 1 };

typedef unsigned char byte;

typedef struct place {
    const byte *pattern;
    const byte *text;
} place;

static int folded(byte one, int flags)
{
    return (flags & FOLDS_CASE) != 0 ? tolower(one) : one;
}

/* A period that only a period may stand for: the first of the text, or behind a slash. */
static bool is_hidden(const byte *start, const byte *text, int flags)
{
    return *text == '.' && (flags & PERIODS_ARE_NAMED) != 0 &&
           (text == start || ((flags & OF_PATHS) != 0 && text[-1] == '/'));
}

/* --- brackets --------------------------------------------------------------------------------- */

/* A class has the byte as it is, whether case counts or not: so on Linux. */
static bool class_has(const byte *name, size_t length, byte one)
{
    static const struct {
        const char *name;
        int (*has)(int);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank},
                   {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
                   {"lower", islower}, {"print", isprint}, {"punct", ispunct},
                   {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) == length && memcmp(classes[i].name, name, length) == 0)
            return classes[i].has(one) != 0;
    }
    return false;
}

/* [:name:], [=x=] or [.x.] at a '[' within brackets: behind it, or NULL when it is none. */
static const byte *named_end(const byte *open, size_t *length_out)
{
    byte mark = open[1];
    if (mark != ':' && mark != '=' && mark != '.')
        return NULL;
    for (const byte *at = open + 2; *at != '\0'; at++) {
        if (at[0] == mark && at[1] == ']' && at > open + 2) {
            *length_out = (size_t)(at - open - 2);
            return mark == ':' || *length_out == 1 ? at + 2 : NULL;
        }
    }
    return NULL;
}

/* One member that is a byte: behind it, or NULL at the end of the pattern or of what it names. */
static const byte *member_take(const byte *at, int flags, byte *out)
{
    size_t length;
    if (*at == '[' && (at[1] == '.' || at[1] == '=')) {
        const byte *end = named_end(at, &length);
        *out = at[1] == '.' || end != NULL ? at[2] : '[';
        return at[1] == '.' || end != NULL ? end : at + 1;
    }
    if (*at == '\\' && (flags & NO_ESCAPE) == 0)
        at++;
    *out = *at;
    return *at != '\0' ? at + 1 : NULL;
}

/* What is behind the bracket, and whether it has the byte; NULL when it is none but a '['. */
static const byte *bracket_match(const byte *open, byte one, int flags, bool *has_out)
{
    const byte *at = open + 1;
    bool is_negated = *at == '!' || *at == '^';
    bool has = false;
    at += is_negated;
    for (bool is_first = true; is_first || *at != ']'; is_first = false) {
        size_t length;
        byte low;
        const byte *end = *at == '[' && at[1] == ':' ? named_end(at, &length) : NULL;
        if (end != NULL) {
            has = has || class_has(at + 2, length, one);
            at = end;
            continue;
        }
        if ((at = member_take(at, flags, &low)) == NULL)
            return NULL;
        byte high = low;
        if (*at == '-' && at[1] != ']' && at[1] != '\0' &&
            (at = member_take(at + 1, flags, &high)) == NULL)
            return NULL;
        int folds = folded(one, flags);
        has = has || (folded(low, flags) <= folds && folds <= folded(high, flags));
    }
    *has_out = has != is_negated;
    return at + 1;
}

/* --- the pattern ------------------------------------------------------------------------------ */

/* Matches one byte of the text with one piece of the pattern that is no star, and goes on. */
static bool step(place *at, const byte *start, int flags)
{
    byte one = *at->text;
    const byte *behind = NULL;
    bool has = false;
    if (one == '\0' || *at->pattern == '\0')
        return false;
    bool is_open = (one != '/' || (flags & OF_PATHS) == 0) && !is_hidden(start, at->text, flags);
    if (*at->pattern == '?') {
        at->pattern++;
        at->text++;
        return is_open;
    }
    if (*at->pattern == '[')
        behind = bracket_match(at->pattern, one, flags, &has);
    if (behind != NULL) {
        at->pattern = behind;
        at->text++;
        return is_open && has;
    }
    if (*at->pattern == '\\' && (flags & NO_ESCAPE) == 0 && *++at->pattern == '\0')
        return false;
    at->text++;
    return folded(*at->pattern++, flags) == folded(one, flags);
}

PLX__CALL int plx_posix_fnmatch(const char *pattern, const char *text, int flags)
{
    const byte *start = (const byte *)text;
    place at = {(const byte *)pattern, start};
    place star = {NULL, NULL};
    for (;;) {
        if (*at.pattern == '*') {
            if (is_hidden(start, at.text, flags))
                return NO_MATCH;
            while (*at.pattern == '*')
                at.pattern++;
            star = at;
            continue;
        }
        if (*at.pattern == '\0' &&
            (*at.text == '\0' || (*at.text == '/' && (flags & ENDS_AT_SLASH) != 0)))
            return MATCHES;
        if (step(&at, start, flags))
            continue;
        if (star.pattern == NULL || *star.text == '\0' ||
            (*star.text == '/' && (flags & OF_PATHS) != 0))
            return NO_MATCH;
        star.text++;
        at = star;
    }
}
