/* backends/sim/trace.c - what is told of a simulation. */
#include "backends/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>

void plx__sim_tell(plx_sim *sim, const char *name, uint32_t loop, uint32_t endpoint, int64_t value)
{
    if (sim->options.on_record == NULL)
        return;
    const plx_sim_record record = {
        .time_ns = sim->now_ns - PLX__SIM_START_NS,
        .name = name,
        .loop = loop,
        .endpoint = endpoint,
        .value = value,
    };
    sim->options.on_record(sim->options.data, &record);
}

void plx__sim_tell_of(plx_sim *sim, const char *name, const plx__sim_socket *socket, int64_t value)
{
    plx__sim_tell(sim, name, socket->loop, socket->id, value);
}

static int result_of(int printed, size_t size)
{
    return printed >= 0 && (size_t)printed < size ? printed : PLX_EINVAL;
}

int plx_sim_record_text(const plx_sim_record *record, char *text, size_t size)
{
    int printed = snprintf(
        text, size, "%" PRIu64 ".%09" PRIu64 " loop %" PRIu32 " end %" PRIu32 " %s %" PRId64 "\n",
        record->time_ns / PLX_SECOND, record->time_ns % PLX_SECOND, record->loop, record->endpoint,
        record->name, record->value);
    return result_of(printed, size);
}

/* An instant event of a thread; `ts` is in microseconds. */
int plx_sim_record_json(const plx_sim_record *record, char *text, size_t size)
{
    int printed = snprintf(text, size,
                           "{\"name\":\"%s\",\"ph\":\"i\",\"s\":\"t\",\"ts\":%" PRIu64 ".%03" PRIu64
                           ",\"pid\":1,\"tid\":%" PRIu32 ",\"args\":{\"end\":%" PRIu32
                           ",\"value\":%" PRId64 "}}",
                           record->name, record->time_ns / 1000, record->time_ns % 1000,
                           record->loop, record->endpoint, record->value);
    return result_of(printed, size);
}
