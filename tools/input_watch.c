/* tools/input_watch.c - ends a server when standard input does.
 *
 * It outlives everything else: when a signal ends the server, the thread is still blocked in a read
 * that cannot be interrupted on every system. It then finds no server, and ends with the process.
 */
#include "tools/input_watch.h"

#include "platform/process.h"

static struct {
    plx__mutex mutex;
    plx__thread thread;
    plx_server *server;
    uint64_t drain_ns;
    bool has_ended;
} input_watch;

static void input_watch_run(void *data)
{
    (void)data;
    plx__input_drain();
    plx__mutex_lock(&input_watch.mutex);
    input_watch.has_ended = true;
    if (input_watch.server != NULL &&
        (input_watch.drain_ns == 0 ||
         plx_server_drain(input_watch.server, input_watch.drain_ns) != 0))
        plx_server_stop(input_watch.server);
    plx__mutex_unlock(&input_watch.mutex);
}

int input_watch_open(plx_server *server, uint64_t drain_ns)
{
    plx__mutex_open(&input_watch.mutex);
    input_watch.server = server;
    input_watch.drain_ns = drain_ns;
    return plx__thread_start(&input_watch.thread, input_watch_run, NULL);
}

void input_watch_close(void)
{
    plx__mutex_lock(&input_watch.mutex);
    bool has_ended = input_watch.has_ended;
    input_watch.server = NULL;
    plx__mutex_unlock(&input_watch.mutex);
    if (has_ended)
        plx__thread_join(&input_watch.thread);
}
