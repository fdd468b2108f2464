/* tests/adapter_fixture.c - see tests/adapter_fixture.h. */
#include "tests/adapter_fixture.h"

#include <stdio.h>

enum { MESSAGE_BYTES_MAX = 32 * 1024 * 1024, ROUNDS_MAX = 100 };

server the_server;

plx_listener server_open(world *w, server_script script)
{
    the_server = (server){.conns = {.then_data = script}};
    plx_conn_options options = probe_options(&the_server.conns);
    options.send_max = MESSAGE_BYTES_MAX;
    options.receive_limit = MESSAGE_BYTES_MAX;
    return listen_at(w, &options, the_server.address);
}

unsigned address_port(const char *address)
{
    unsigned port;
    ck_assert_int_eq(sscanf(address, "tcp://127.0.0.1:%u", &port), 1);
    return port;
}

void world_loop_close(world *w)
{
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
}

world world_for_server(const world *w)
{
    world made = *w;
    made.loop = world_loop_open(w);
    return made;
}

typedef struct goal {
    world *of_server;
    const size_t *count;
    size_t wanted;
} goal;

static bool goal_is_reached(void *data)
{
    const goal *g = data;
    ck_ok(plx_loop_run_once(g->of_server->loop, 0));
    return *g->count >= g->wanted;
}

void turn_both_until(world *w, world *of_server, const size_t *count, size_t wanted)
{
    turn_until_true(w, goal_is_reached, &(goal){of_server, count, wanted});
    ck_assert_uint_eq(*count, wanted);
}

bool shortage_next(world *w, shortage *lack)
{
    if (lack->rounds > 0 && !lack->has_struck)
        return false;
    ck_assert_uint_lt(lack->rounds, ROUNDS_MAX);
    lack->rounds++;
    world_reopen(w, (plx_loop_options){0});
    return true;
}

void shortage_begin(const shortage *lack)
{
    plx__fault_arm(PLX__FAULT_MEMORY, lack->rounds - 1, 1);
}

void shortage_end(shortage *lack, int status)
{
    lack->has_struck = plx__fault_disarm(PLX__FAULT_MEMORY) != 0;
    ck_assert(status == 0 || status == PLX_ENOMEM);
    lack->refused += status != 0;
}

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {adapter_cases, NULL};
    return suite_main(argc, argv, groups, true);
}
