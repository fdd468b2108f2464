/* posix/data/hash.c - hsearch(), lfind(), insque() and their kin, which mingw-w64 lacks or has with
 * other types.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The one table: open addressing, one slot in four stays free, so that a search ends. */
static ENTRY *entries;
static size_t slots;
static size_t count;
static size_t count_max;

int hcreate(size_t wanted)
{
    size_t size = 8;
    if (entries != NULL)
        return 0;
    while (size - size / 4 < wanted && size < SIZE_MAX / 4)
        size *= 2;
    entries = calloc(size, sizeof *entries);
    if (entries == NULL) {
        errno = ENOMEM;
        return 0;
    }
    slots = size;
    count = 0;
    count_max = size - size / 4;
    return 1;
}

void hdestroy(void)
{
    free(entries);
    entries = NULL;
    slots = 0;
}

/* FNV-1a. */
static size_t hash_of(const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

ENTRY *hsearch(ENTRY item, ACTION action)
{
    if (entries == NULL) {
        errno = action == ENTER ? ENOMEM : ESRCH;
        return NULL;
    }
    size_t at = hash_of(item.key) & (slots - 1);
    for (; entries[at].key != NULL; at = (at + 1) & (slots - 1)) {
        if (strcmp(entries[at].key, item.key) == 0)
            return &entries[at];
    }
    if (action != ENTER || count == count_max) {
        errno = action == ENTER ? ENOMEM : ESRCH;
        return NULL;
    }
    entries[at] = item;
    count++;
    return &entries[at];
}

/* --- arrays --------------------------------------------------------------------------------- */

void *lfind(const void *key, const void *first, size_t *number, size_t size,
            int (*compare)(const void *, const void *))
{
    const char *at = first;
    for (size_t i = 0; i < *number; i++, at += size) {
        if (compare(key, at) == 0)
            return (void *)(uintptr_t)at;
    }
    return NULL;
}

void *lsearch(const void *key, void *first, size_t *number, size_t size,
              int (*compare)(const void *, const void *))
{
    void *found = lfind(key, first, number, size, compare);
    if (found != NULL)
        return found;
    return memcpy((char *)first + (*number)++ * size, key, size);
}

/* --- lists ---------------------------------------------------------------------------------- */

/* What a program's own elements start with. */
typedef struct element {
    struct element *next;
    struct element *previous;
} element;

void insque(void *one, void *after)
{
    element *made = one;
    element *before = after;
    if (before == NULL) {
        *made = (element){NULL, NULL};
        return;
    }
    *made = (element){before->next, before};
    if (made->next != NULL)
        made->next->previous = made;
    before->next = made;
}

void remque(void *one)
{
    element *gone = one;
    if (gone->next != NULL)
        gone->next->previous = gone->previous;
    if (gone->previous != NULL)
        gone->previous->next = gone->next;
}
