/* core/server/children.c - forked children: a table of them, and those that serve one socket each.
 *
 * Only processes with one thread fork: in the child of another, a lock may be taken for ever. The
 * loop is told of a child's end by its signal, and asks for each of its own children alone, so that
 * the program may have others.
 */
#include "core/server/server.h"

#include "core/assert.h"
#include "platform/child.h"

/* How often, and how far apart, threads are counted before there are too many. */
#define THREAD_LOOKS   100
#define THREAD_LOOK_NS PLX_MILLISECOND

static bool has_one_thread(void)
{
    for (int i = 0; i < THREAD_LOOKS; i++) {
        if (plx__process_threads() <= 1 + plx__atomic_load(&plx__helpers))
            return true;
        plx__sleep(THREAD_LOOK_NS);
    }
    return false;
}

int plx__children_open(plx_server *server, uint32_t count)
{
    server->children = plx__allocate_zeroed(count, sizeof *server->children);
    server->children_max = count;
    return server->children != NULL ? 0 : PLX_ENOMEM;
}

void plx__children_close(plx_server *server)
{
    plx__free(server->children);
    server->children = NULL;
}

/* Some will have ended by the time that it is called. */
static void on_child_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    plx__children_reap(data, false);
}

int plx__children_watch(plx_server *server)
{
    if (!has_one_thread())
        return PLX_ETHREADS;
    return plx_signal_open(server->workers[0].loop, &server->children_signal, PLX_SIGNAL_CHILD,
                           on_child_signal, server);
}

int plx__children_fork(plx_server *server, int64_t *process_out)
{
    if (!has_one_thread())
        return PLX_ETHREADS;
    int status = plx__child_fork(process_out);
    if (status == 0 && *process_out != 0) {
        server->children_count++;
        plx__server_tally(server, &server->stats.children_started);
    }
    return status;
}

plx__child *plx__children_free_slot(plx_server *server)
{
    plx__child *child = server->children;
    for (; child->process != 0; child++)
        PLX_ASSERT(child + 1 < server->children + server->children_max);
    return child;
}

void plx__children_reap(plx_server *server, bool waits)
{
    for (uint32_t i = 0; i < server->children_max; i++) {
        plx__child *child = &server->children[i];
        int code;
        if (child->process == 0 || !plx__child_reap(child->process, waits, &code))
            continue;
        child->process = 0;
        server->children_count--;
        server->on_child_end(server, child, code);
    }
}

void plx__children_order(plx_server *server, plx__child_order order)
{
    for (uint32_t i = 0; i < server->children_max; i++) {
        /* One that does not take it has ended, or is killed later. */
        if (server->children[i].process != 0)
            (void)plx__socket_send(server->children[i].channel, &order, sizeof order);
    }
}

uint32_t plx__children_kill(plx_server *server)
{
    server->has_killed = server->children_count > 0;
    for (uint32_t i = 0; i < server->children_max; i++) {
        if (server->children[i].process != 0)
            plx__child_kill(server->children[i].process);
    }
    return server->children_count;
}
