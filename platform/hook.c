/* platform/hook.c - owns the test's function of platform/hook.h, in test builds only. */
#include "platform/hook.h"

#ifdef PLX_FAULTS

#include "platform/platform.h"

static plx__atomic_u32 is_set;
static plx__atomic_u32 running; /* Calls of the function on all threads. */
static plx__hook_fn hook_run;
static void *hook_data;

void plx__hook_set(plx__hook_fn run, void *data)
{
    plx__atomic_store(&is_set, 0);
    while (plx__atomic_load(&running) != 0)
        plx__thread_yield();
    hook_run = run;
    hook_data = data;
    plx__atomic_store(&is_set, run != NULL);
}

void plx__hook(enum plx__hook_step step)
{
    /* Looked at first: the counter orders threads, which would hide races where no hook is set. */
    if (plx__atomic_load(&is_set) == 0)
        return;
    plx__atomic_add(&running, 1);
    if (plx__atomic_load(&is_set) != 0)
        hook_run(step, hook_data);
    plx__atomic_add(&running, UINT32_MAX);
}

#else

/* ISO C forbids an empty translation unit. */
typedef int plx__hook_is_compiled_out;

#endif
