/* tools/compare_dispatch.c - see tools/compare_dispatch.h. */
#include "tools/compare_dispatch.h"

#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/platform.h"
#include "tools/command.h"
#include "tools/failure.h"
#include "tools/options.h"
#include "tools/suggestion.h"

#define LOOPS_MAX     1024u
#define LOOPS_LEAST   2u
#define LOOPS_DEFAULT 4u /* At the most: the load needs processors, too. */

static const compare_workload workloads[] = {
    {.name = "keep-alive", .what = "each connection sends request after request"},
    {.name = "connect", .what = "a connection for each request", .is_reconnecting = true},
    {.name = "block", .what = "each request blocks its handler for 1 ms", .block_ms = 1},
    {.name = "slow", .what = "half of the clients send slowly", .has_slow_half = true},
};

#define WORKLOADS (sizeof workloads / sizeof workloads[0])

_Static_assert(WORKLOADS <= WORKLOADS_MAX, "they have room");

/* --- options --------------------------------------------------------------------------------- */

int compare_policies_take(compare_dispatch *d, char *text)
{
    char why[FAILURE_TEXT_MAX];
    char *pieces[POLICIES_MAX];
    d->policies_count = value_list(text, pieces, POLICIES_MAX);
    if (d->policies_count == 0)
        return command_misused("compare", "--dispatch: write names as inline,kernel");
    for (size_t i = 0; i < d->policies_count; i++) {
        if (!policy_find(&d->policies[i], pieces[i], why, sizeof why))
            return command_misused("compare", "--dispatch: %s", why);
    }
    return COMMAND_DONE;
}

static const compare_workload *workload_find(const char *name)
{
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    }
    return NULL;
}

static int workload_unknown(const char *name)
{
    const char *names[WORKLOADS];
    char list[128];
    for (size_t i = 0; i < WORKLOADS; i++)
        names[i] = workloads[i].name;
    suggestion_list(list, sizeof list, names, WORKLOADS);
    return command_misused("compare", "--workloads: unknown workload \"%s\"; choose %s", name,
                           list);
}

int compare_workloads_take(compare_dispatch *d, char *text)
{
    char *pieces[WORKLOADS_MAX];
    d->workloads_count = value_list(text, pieces, WORKLOADS_MAX);
    if (d->workloads_count == 0)
        return command_misused("compare", "--workloads: write up to %u names as connect,slow",
                               WORKLOADS_MAX);
    for (size_t i = 0; i < d->workloads_count; i++) {
        d->workloads[i] = workload_find(pieces[i]);
        if (d->workloads[i] == NULL)
            return workload_unknown(pieces[i]);
    }
    return COMMAND_DONE;
}

int compare_loops_take(compare_dispatch *d, const char *text)
{
    uint64_t loops;
    if (!value_count(text, LOOPS_LEAST, LOOPS_MAX, &loops))
        return command_misused("compare", "--loops: \"%s\" is not a number from %u to %u", text,
                               LOOPS_LEAST, LOOPS_MAX);
    d->loops = (uint32_t)loops;
    return COMMAND_DONE;
}

static bool has_several_loops(const compare_dispatch *d)
{
    for (size_t i = 0; i < d->policies_count; i++) {
        if (d->policies[i].has_loops)
            return true;
    }
    return false;
}

static uint32_t loops_default(void)
{
    uint32_t processors = plx__processors_allowed();
    if (processors > LOOPS_DEFAULT)
        return LOOPS_DEFAULT;
    return processors < LOOPS_LEAST ? LOOPS_LEAST : processors;
}

int compare_dispatch_complete(compare_dispatch *d)
{
    if (d->policies_count > 0 && d->loops != 0 && !has_several_loops(d))
        return command_misused("compare", "--dispatch %s is for one loop; leave out --loops",
                               d->policies[0].name);
    if (d->policies_count == 0) {
        while (d->policies_count < POLICIES_MAX &&
               policy_at(d->policies_count, &d->policies[d->policies_count]))
            d->policies_count++;
    }
    if (d->workloads_count == 0) {
        for (; d->workloads_count < WORKLOADS; d->workloads_count++)
            d->workloads[d->workloads_count] = &workloads[d->workloads_count];
    }
    if (d->loops == 0)
        d->loops = loops_default();
    return COMMAND_DONE;
}

/* --- what can be measured -------------------------------------------------------------------- */

size_t compare_policies_probe(const compare_dispatch *d, const char *backend,
                              const policy *found[POLICIES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < d->policies_count; i++) {
        const policy *p = &d->policies[i];
        const char *needs = plx_dispatch_needs(p->dispatch);
        int status = policy_probe(p, backend);
        if (status == 0)
            found[count++] = p;
        else
            fprintf(stderr, "pollux compare: leaving out %s on %s: %s\n", p->name, backend,
                    status == PLX_ENOSYS && needs != NULL ? needs : plx_error_text(status));
    }
    return count;
}
