/* platform/fault.c - owns the process-wide counters of platform/fault.h, in test builds only. */
#include "platform/fault.h"

#ifdef PLX_FAULTS

typedef struct fault {
    plx__atomic_u32 armed;
    plx__atomic_u32 calls;
    plx__atomic_u32 first;
    plx__atomic_u32 count;
    plx__atomic_u32 struck;
    plx__atomic_u32 held;
} fault;

static fault faults[PLX__FAULT_KINDS];

void plx__fault_arm(enum plx__fault_kind kind, uint32_t first, uint32_t count)
{
    fault *f = &faults[kind];
    plx__atomic_store(&f->armed, 0);
    plx__atomic_store(&f->calls, 0);
    plx__atomic_store(&f->struck, 0);
    plx__atomic_store(&f->first, first);
    plx__atomic_store(&f->count, count);
    plx__atomic_store(&f->armed, 1);
}

uint32_t plx__fault_disarm(enum plx__fault_kind kind)
{
    plx__atomic_store(&faults[kind].armed, 0);
    return plx__atomic_load(&faults[kind].struck);
}

bool plx__fault_strikes(enum plx__fault_kind kind)
{
    fault *f = &faults[kind];
    if (!plx__atomic_load(&f->armed))
        return false;
    uint32_t call = plx__atomic_add(&f->calls, 1);
    uint32_t first = plx__atomic_load(&f->first);
    if (call < first || call - first >= plx__atomic_load(&f->count))
        return false;
    plx__atomic_add(&f->struck, 1);
    return true;
}

void plx__fault_taken(enum plx__fault_kind kind)
{
    plx__atomic_add(&faults[kind].held, 1);
}

void plx__fault_given(enum plx__fault_kind kind)
{
    plx__atomic_add(&faults[kind].held, UINT32_MAX);
}

uint32_t plx__fault_held(enum plx__fault_kind kind)
{
    return plx__atomic_load(&faults[kind].held);
}

#else

/* ISO C forbids an empty translation unit. */
typedef int plx__fault_is_compiled_out;

#endif
