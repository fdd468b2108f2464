/* tests/fuzz_faults.c - chooses the faults of platform/fault.h by chance. */
#include "tests/fuzz_faults.h"

#include <stdlib.h>

#include "platform/fault.h"
#include "tests/chance.h"

/* How many calls of a kind fail in a row. A failed wait makes the loop pause for 10 ms. */
static const struct {
    enum plx__fault_kind kind;
    uint32_t first_max;
    uint32_t count_max;
} faults[] = {
    {PLX__FAULT_MEMORY, 20, 3},     {PLX__FAULT_DESCRIPTOR, 20, 3}, {PLX__FAULT_SEND, 20, 2},
    {PLX__FAULT_SEND_LATER, 20, 6}, {PLX__FAULT_WAIT, 5, 2},        {PLX__FAULT_REGISTER, 10, 4},
    {PLX__FAULT_IDLE_WAIT, 5, 2},   {PLX__FAULT_THREAD, 2, 2},      {PLX__FAULT_FEATURE, 4, 3},
    {PLX__FAULT_WAKE, 5, 2},
};

enum { FAULTS = sizeof faults / sizeof faults[0] };

void fuzz_faults_arm(void)
{
    /* Half of them are what programs meet most. */
    size_t i = chance_below(one_in(2) ? 2 : FAULTS);
    plx__fault_arm(faults[i].kind, (uint32_t)chance_below(faults[i].first_max),
                   (uint32_t)chance_below(faults[i].count_max + 1));
}

void fuzz_faults_end(void)
{
    for (size_t i = 0; i < FAULTS; i++)
        (void)plx__fault_disarm(faults[i].kind);
}

void fuzz_faults_room_choose(void)
{
    if (getenv("POLLUX_TEST_TINY") != NULL || one_in(3))
        plx__fault_arm(PLX__FAULT_ROOM, 0, UINT32_MAX);
    else
        (void)plx__fault_disarm(PLX__FAULT_ROOM);
}

bool fuzz_faults_may_cause(int status)
{
    return status == PLX_ENOMEM || status == PLX_EMFILE || status == PLX_ENFILE ||
           status == PLX_ENOBUFS;
}
