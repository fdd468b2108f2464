/* tests/sim_bounds.c - owns nothing; chooses limits, and remembers what they were. */
#include "tests/sim_bounds.h"

#include "tests/chance.h"

static plx_server_limits choose(bool is_calm)
{
    static const char *const ipv6[] = {"::1"};
    plx_server_limits limits = {0};
    limits.server_open_max = one_in(2) ? 1 + (uint32_t)chance_below(8) : 0;
    limits.server_rate = one_in(3) ? 20 + (uint32_t)chance_below(1000) : 0;
    limits.server_burst = limits.server_rate != 0 && one_in(2) ? 1 : 0;
    if (is_calm)
        return limits;
    limits.open_max_action = (uint32_t)chance_below(2);
    limits.rate_action = (uint32_t)chance_below(2);
    limits.client_open_max = one_in(2) ? 1 + (uint32_t)chance_below(8) : 0;
    limits.client_rate = one_in(3) ? 1 + (uint32_t)chance_below(100) : 0;
    limits.deny = ipv6;
    limits.deny_count = one_in(4);
    limits.receive_rate = one_in(3) ? 1 + chance_below(1000) : 0;
    limits.receive_grace_ns = 1 + chance_below(20 * PLX_MILLISECOND);
    return limits;
}

/* Of two numbers that 0 makes any number. */
static uint32_t most_of(uint32_t one, uint32_t other)
{
    if (one == 0 || other == 0)
        return 0;
    return one > other ? one : other;
}

static void note(sim_bounds *bounds, const plx_server_limits *limits)
{
    plx_server_limits *ever = &bounds->ever;
    const bool is_first = bounds->changes == 0;
    ever->open_max_action |= limits->open_max_action;
    ever->rate_action |= limits->rate_action;
    ever->client_open_max |= limits->client_open_max;
    ever->client_rate |= limits->client_rate;
    ever->receive_rate |= limits->receive_rate;
    bounds->client_most =
        is_first ? limits->client_open_max : most_of(bounds->client_most, limits->client_open_max);
    bounds->server_most =
        is_first ? limits->server_open_max : most_of(bounds->server_most, limits->server_open_max);
    bounds->now = *limits;
    bounds->changes++;
}

int sim_bounds_set(sim_bounds *bounds, plx_server *server, bool is_calm, uint64_t now_ns)
{
    const plx_server_limits limits = choose(is_calm);
    int status = PLX_ENOMEM;
    for (int tries = 0; status == PLX_ENOMEM && tries < 100; tries++)
        status = plx_server_set_limits(server, &limits, NULL);
    if (status != 0)
        return status;
    if (bounds->changes > 0)
        bounds->changed_ns = now_ns;
    note(bounds, &limits);
    return 0;
}
