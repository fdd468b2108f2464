/* posix/data/search.c - memmem() and strcasestr(), in time that grows with the lengths and not with
 * their product, and without memory.
 *
 * The algorithm is that of Crochemore and Perrin, "Two-way string-matching", JACM 38 (1991): the
 * part is cut in two at an index from where its local period is that of the whole. The right half
 * is compared forwards; where it differs decides how far to go on. Only then the left half is
 * looked at, backwards. Before both, the last byte tells how far on the part may begin at the
 * soonest (Horspool, "Practical fast searching in strings", 1980).
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Below this the plain way is not slower than by this factor. */
enum { SHORT = 16 };

/* What is looked for, and what bytes count as. */
typedef struct part {
    const unsigned char *bytes;
    size_t length;
    const unsigned char *fold; /* 256 of them. */
    size_t cut;                /* How long the left half is, */
    size_t period;             /* and how far the whole may be moved when the right half fits. */
    bool is_periodic;          /* The left half repeats a period later. */
    size_t shift[256];         /* From the last index of each byte to the end. */
} part;

/* What is searched. The size of a text is found during the search. */
typedef struct whole {
    const unsigned char *bytes;
    size_t size;
    bool is_text;
} whole;

static unsigned char at(const part *p, size_t index)
{
    return p->fold[p->bytes[index]];
}

/* Where the greatest suffix begins, in the order of bytes or in the reverse one; and its period. */
static size_t suffix_find(const part *p, bool is_reverse, size_t *period_out)
{
    size_t before = SIZE_MAX; /* The index before the suffix. */
    size_t start = 0, ahead = 1, period = 1;
    while (start + ahead < p->length) {
        unsigned char one = at(p, start + ahead), other = at(p, before + ahead);
        if (one == other) {
            if (ahead == period) {
                start += period;
                ahead = 0;
            }
            ahead++;
        } else if ((one < other) != is_reverse) {
            start += ahead;
            ahead = 1;
            period = start - before;
        } else {
            before = start++;
            ahead = period = 1;
        }
    }
    *period_out = period;
    return before + 1;
}

static void cut_find(part *p)
{
    size_t period, other_period;
    size_t cut = suffix_find(p, false, &period);
    size_t other_cut = suffix_find(p, true, &other_period);
    if (other_cut > cut) {
        cut = other_cut;
        period = other_period;
    }
    p->cut = cut;
    p->is_periodic = true;
    for (size_t i = 0; i < cut && p->is_periodic; i++)
        p->is_periodic = i + period < p->length && at(p, i) == at(p, i + period);
    size_t longer = cut > p->length - cut ? cut : p->length - cut;
    p->period = p->is_periodic ? period : longer + 1;
}

static void shifts_find(part *p)
{
    for (size_t i = 0; i < 256; i++)
        p->shift[i] = p->length;
    for (size_t i = 0; i < p->length; i++)
        p->shift[at(p, i)] = p->length - 1 - i;
}

static bool reaches(whole *w, size_t size)
{
    enum { AHEAD = 512 };
    if (size > w->size && w->is_text)
        w->size += strnlen((const char *)w->bytes + w->size, size - w->size + AHEAD);
    return size <= w->size;
}

static const unsigned char *find(whole *w, const part *p)
{
    size_t known = 0; /* How much of the left half fits for sure, of a part with a period. */
    for (size_t start = 0; reaches(w, start + p->length);) {
        const unsigned char *here = w->bytes + start;
        size_t shift = p->shift[p->fold[here[p->length - 1]]];
        size_t i = p->cut > known ? p->cut : known;
        if (shift > 0) {
            start += known > 0 && shift < p->period ? p->length - p->period : shift;
            known = 0;
            continue;
        }
        while (i < p->length && at(p, i) == p->fold[here[i]])
            i++;
        if (i < p->length) {
            start += i - p->cut + 1;
            known = 0;
            continue;
        }
        i = p->cut;
        while (i > known && at(p, i - 1) == p->fold[here[i - 1]])
            i--;
        if (i <= known)
            return here;
        start += p->period;
        known = p->is_periodic ? p->length - p->period : 0;
    }
    return NULL;
}

static const unsigned char *long_find(whole *w, const void *wanted, size_t length,
                                      const unsigned char *fold)
{
    part p = {.bytes = wanted, .length = length, .fold = fold};
    if (!reaches(w, length))
        return NULL;
    cut_find(&p);
    shifts_find(&p);
    return find(w, &p);
}

void *memmem(const void *bytes, size_t size, const void *wanted, size_t length)
{
    const unsigned char *first = bytes;
    if (length == 0)
        return (void *)(uintptr_t)bytes;
    if (length > SHORT) {
        unsigned char itself[256];
        for (int i = 0; i < 256; i++)
            itself[i] = (unsigned char)i;
        whole w = {.bytes = bytes, .size = size};
        return (void *)(uintptr_t)long_find(&w, wanted, length, itself);
    }
    const unsigned char *end = first + size;
    while ((size_t)(end - first) >= length) {
        first = memchr(first, *(const unsigned char *)wanted, (size_t)(end - first) - length + 1);
        if (first == NULL)
            return NULL;
        if (memcmp(first, wanted, length) == 0)
            return (void *)(uintptr_t)first;
        first++;
    }
    return NULL;
}

char *strcasestr(const char *text, const char *wanted)
{
    size_t length = strlen(wanted);
    if (length <= SHORT) { /* The text may end far behind what is found. */
        for (;; text++) {
            if (strncasecmp(text, wanted, length) == 0)
                return (char *)(uintptr_t)text;
            if (*text == '\0')
                return NULL;
        }
    }
    unsigned char lower[256];
    for (int i = 0; i < 256; i++)
        lower[i] = (unsigned char)tolower(i);
    whole w = {.bytes = (const unsigned char *)text, .is_text = true};
    return (char *)(uintptr_t)long_find(&w, wanted, length, lower);
}
