/* tools/compare_dispatch.h - what `pollux compare --dispatch` measures: policies and workloads. */
#ifndef TOOLS_COMPARE_DISPATCH_H
#define TOOLS_COMPARE_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/compare.h"
#include "tools/policy.h"

#define WORKLOADS_MAX 8u

typedef struct compare_dispatch {
    policy policies[POLICIES_MAX];
    size_t policies_count; /* 0: all that are offered. */
    const compare_workload *workloads[WORKLOADS_MAX];
    size_t workloads_count; /* 0: all. */
    uint32_t loops;         /* Of each server that has several; 0: as many as are chosen for it. */
} compare_dispatch;

/* Values of options, which they cut in pieces. Return COMMAND_DONE, or COMMAND_MISUSED after saying
 * why. */
int compare_policies_take(compare_dispatch *d, char *text);
int compare_workloads_take(compare_dispatch *d, char *text);
int compare_loops_take(compare_dispatch *d, const char *text);

/* When all options have been read: fills in what none has named. COMMAND_DONE, or COMMAND_MISUSED
 * after saying what is wrong. */
int compare_dispatch_complete(compare_dispatch *d);

/* The policies that servers on the backend can have; which ones cannot is printed, with the reason.
 * Returns how many there are in `found`, in their order. */
size_t compare_policies_probe(const compare_dispatch *d, const char *backend,
                              const policy *found[POLICIES_MAX]);

#endif
