/* platform/memory.c - the only place that calls malloc and its like. */
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

#include "platform/fault.h"

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
    void *memory = malloc(bytes);
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
    return memory_taken(calloc(count, bytes));
}

void *plx__reallocate(void *memory, size_t bytes)
{
    if (memory == NULL)
        return plx__allocate(bytes);
    if (plx__fault_strikes(PLX__FAULT_MEMORY))
        return NULL;
    return realloc(memory, bytes);
}

void plx__free(void *memory)
{
    if (memory == NULL)
        return;
    plx__fault_given(PLX__FAULT_MEMORY);
    free(memory);
}
