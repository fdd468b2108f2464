/* platform/memory.c - the only place that calls malloc and its like. */
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

#include "platform/fault.h"

#if defined(PLX_FAULTS) && defined(_WIN32)
#include <malloc.h>

/* Where the tests have no address sanitizer: behind each piece stands a guard, which whoever writes
 * too far destroys; and a piece that was freed has nothing left that could be taken for its own. */
#define GUARD_BYTES 16u

static void *guard_put(void *memory)
{
    if (memory != NULL)
        memset((unsigned char *)memory + _msize(memory) - GUARD_BYTES, 0xFD, GUARD_BYTES);
    return memory;
}

static void guard_check(const void *memory)
{
    const unsigned char *end = (const unsigned char *)memory + _msize((void *)(uintptr_t)memory);
    for (size_t i = 1; i <= GUARD_BYTES; i++) {
        if (end[-(ptrdiff_t)i] != 0xFD)
            abort();
    }
}

static void guard_end(void *memory)
{
    guard_check(memory);
    memset(memory, 0xDD, _msize(memory));
}

static void *system_allocate(size_t bytes)
{
    return bytes <= SIZE_MAX - GUARD_BYTES ? guard_put(malloc(bytes + GUARD_BYTES)) : NULL;
}

static void *system_allocate_zeroed(size_t count, size_t bytes)
{
    bool is_too_much = bytes != 0 && count > (SIZE_MAX - GUARD_BYTES) / bytes;
    return is_too_much ? NULL : guard_put(calloc(1, count * bytes + GUARD_BYTES));
}

static void *system_reallocate(void *memory, size_t bytes)
{
    guard_check(memory);
    return bytes <= SIZE_MAX - GUARD_BYTES ? guard_put(realloc(memory, bytes + GUARD_BYTES)) : NULL;
}
#else
#define system_allocate(bytes)               malloc(bytes)
#define system_allocate_zeroed(count, bytes) calloc((count), (bytes))
#define system_reallocate(memory, bytes)     realloc((memory), (bytes))
#define guard_end(memory)                    ((void)(memory))
#endif

static void *memory_taken(void *memory)
{
    if (memory != NULL)
        plx__fault_taken(PLX__FAULT_MEMORY);
    return memory;
}

void *plx__allocate(size_t bytes)
{
    if (plx__fault_strikes(PLX__FAULT_MEMORY))
        return NULL;
    void *memory = system_allocate(bytes);
#ifdef PLX_FAULTS
    if (memory != NULL)
        memset(memory, 0xA5, bytes); /* Nobody may rely on what it has. */
#endif
    return memory_taken(memory);
}

void *plx__allocate_zeroed(size_t count, size_t bytes)
{
    if (plx__fault_strikes(PLX__FAULT_MEMORY))
        return NULL;
    return memory_taken(system_allocate_zeroed(count, bytes));
}

void *plx__reallocate(void *memory, size_t bytes)
{
    if (memory == NULL)
        return plx__allocate(bytes);
    if (plx__fault_strikes(PLX__FAULT_MEMORY))
        return NULL;
    return system_reallocate(memory, bytes);
}

void plx__free(void *memory)
{
    if (memory == NULL)
        return;
    plx__fault_given(PLX__FAULT_MEMORY);
    guard_end(memory);
    free(memory);
}
