/* platform/hook.c - owns the test's function of platform/hook.h, in test builds only. */
#include "platform/hook.h"

#ifdef PLX_FAULTS

#include "platform/platform.h"

static plx__atomic_u32 is_set;
static plx__hook_fn hook_run;
static void *hook_data;

void plx__hook_set(plx__hook_fn run, void *data)
{
    plx__atomic_store(&is_set, 0);
    hook_run = run;
    hook_data = data;
    plx__atomic_store(&is_set, run != NULL);
}

void plx__hook(enum plx__hook_step step)
{
    if (plx__atomic_load(&is_set) != 0)
        hook_run(step, hook_data);
}

#else

/* ISO C forbids an empty translation unit. */
typedef int plx__hook_is_compiled_out;

#endif
