/* posix/base/aligned.c - posix_memalign() and aligned_alloc(), whose memory free() and realloc()
 * take.
 *
 * The C library's memory starts at multiples of 16, and has no more to say. What is to start
 * elsewhere is a part of a larger piece; a table knows which pieces those are, and costs nothing as
 * long as there are none.
 *
 * Programs and the layer call free() and realloc() by these names, so that a program's own replace
 * them everywhere. In this file alone the C library's are meant.
 */
#include "posix/base/base.h"

#include <stdlib.h>
#include <string.h>

extern __typeof__(free) c_free __asm__("plx__import_free");
extern __typeof__(realloc) c_realloc __asm__("plx__import_realloc");

enum { PLAIN = 16, BUCKETS = 1024 };

/* Stands before the memory that the program gets. */
typedef struct piece {
    struct piece *next;
    void *whole;
    size_t size;
} piece;

_Static_assert(sizeof(piece) <= 2 * PLAIN, "there is room for it");

static SRWLOCK lock = SRWLOCK_INIT;
static piece *buckets[BUCKETS];
static plx__atomic_u32 count;

static piece **bucket_of(const void *memory)
{
    uintptr_t bits = (uintptr_t)memory / (2 * PLAIN);
    return &buckets[(bits ^ bits / BUCKETS) % BUCKETS];
}

static void *memory_of(piece *of)
{
    return (char *)of + 2 * PLAIN;
}

static bool may_be_ours(const void *memory)
{
    return (uintptr_t)memory % (2 * PLAIN) == 0 && plx__atomic_load_acquire(&count) != 0;
}

/* Takes it out of the table; NULL if it is not in there. */
static piece *piece_take(const void *memory)
{
    AcquireSRWLockExclusive(&lock);
    piece **link = bucket_of(memory);
    while (*link != NULL && memory_of(*link) != memory)
        link = &(*link)->next;
    piece *found = *link;
    if (found != NULL) {
        *link = found->next;
        (void)plx__atomic_add(&count, UINT32_MAX);
    }
    ReleaseSRWLockExclusive(&lock);
    return found;
}

static void piece_add(piece *made)
{
    AcquireSRWLockExclusive(&lock);
    piece **bucket = bucket_of(memory_of(made));
    made->next = *bucket;
    *bucket = made;
    (void)plx__atomic_add(&count, 1);
    ReleaseSRWLockExclusive(&lock);
}

/* NULL without memory. */
static void *aligned_make(size_t alignment, size_t size)
{
    if (alignment <= PLAIN)
        return malloc(size != 0 ? size : 1);
    size_t more = alignment + 2 * PLAIN;
    char *whole = size <= SIZE_MAX - more ? malloc(size + more) : NULL;
    if (whole == NULL)
        return NULL;
    uintptr_t first = (uintptr_t)whole + 2 * PLAIN;
    char *memory = whole + 2 * PLAIN + (-first & (alignment - 1));
    piece *made = (piece *)(void *)(memory - 2 * PLAIN);
    made->whole = whole;
    made->size = size;
    piece_add(made);
    return memory;
}

static bool is_power(size_t alignment)
{
    return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

/* Returns the code. */
PLX__CALL int plx_posix_posix_memalign(void **memory_out, size_t alignment, size_t size)
{
    if (!is_power(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int before = errno;
    void *memory = aligned_make(alignment, size);
    errno = before;
    if (memory == NULL)
        return ENOMEM;
    *memory_out = memory;
    return 0;
}

PLX__CALL void *plx_posix_aligned_alloc(size_t alignment, size_t size)
{
    void *memory = is_power(alignment) ? aligned_make(alignment, size) : NULL;
    if (memory == NULL)
        errno = is_power(alignment) ? ENOMEM : EINVAL;
    return memory;
}

PLX__CALL void plx_posix_free(void *memory)
{
    piece *ours = may_be_ours(memory) ? piece_take(memory) : NULL;
    c_free(ours != NULL ? ours->whole : memory);
}

/* As with the GNU C library, what comes back is not aligned any more. */
PLX__CALL void *plx_posix_realloc(void *memory, size_t size)
{
    piece *ours = may_be_ours(memory) ? piece_take(memory) : NULL;
    void *other = ours == NULL ? c_realloc(memory, size) : size != 0 ? malloc(size) : NULL;
    if (other == NULL && size != 0) {
        errno = ENOMEM; /* Wine's C library does not say so. */
        if (ours != NULL)
            piece_add(ours);
        return NULL;
    }
    if (ours == NULL)
        return other;
    if (other != NULL)
        memcpy(other, memory, size < ours->size ? size : ours->size);
    c_free(ours->whole);
    return other;
}
