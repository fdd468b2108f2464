/* tools/input_watch.c - tells when standard input ends.
 *
 * The thread outlives everything else: when a signal ends the server, the thread is still blocked
 * in a read that cannot be interrupted on every system. It then finds nobody to tell, and ends with
 * the process.
 */
#include "tools/input_watch.h"

#include <pollux/timer.h>
#include <pollux/watch.h>

#include "platform/process.h"

static struct {
    plx__mutex mutex;
    plx__thread thread;
    input_end_fn on_end; /* NULL: nobody is told. */
    void *data;
    bool has_thread;
    bool has_ended;
} input_watch;

static void end_tell(void)
{
    if (input_watch.on_end != NULL)
        input_watch.on_end(input_watch.data);
}

/* --- on a thread ----------------------------------------------------------------------------- */

static void input_watch_run(void *data)
{
    (void)data;
    plx__input_drain();
    plx__mutex_lock(&input_watch.mutex);
    input_watch.has_ended = true;
    end_tell();
    plx__mutex_unlock(&input_watch.mutex);
}

int input_watch_open(input_end_fn on_end, void *data)
{
    plx__mutex_open(&input_watch.mutex);
    input_watch.on_end = on_end;
    input_watch.data = data;
    int status = plx__thread_start(&input_watch.thread, input_watch_run, NULL);
    input_watch.has_thread = status == 0;
    return status;
}

/* --- on a loop ------------------------------------------------------------------------------- */

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)data;
    (void)socket;
    (void)ready;
    if (plx__input_read())
        return;
    (void)plx_watch_close(loop, watch);
    end_tell();
}

static void on_end_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    end_tell();
}

int input_watch_open_on_loop(plx_loop *loop, input_end_fn on_end, void *data)
{
    input_watch.on_end = on_end;
    input_watch.data = data;
    int status = plx_watch_open(loop, NULL, plx__input_socket(), PLX_READABLE, on_ready, NULL);
    if (status != PLX_ENOTSOCK)
        return status;
    /* A file, or /dev/null: reading those never waits. */
    plx__input_drain();
    return plx_timer_start(loop, NULL, 0, 0, on_end_timer, NULL);
}

/* --- both ------------------------------------------------------------------------------------ */

void input_watch_close(void)
{
    if (!input_watch.has_thread)
        return;
    plx__mutex_lock(&input_watch.mutex);
    bool has_ended = input_watch.has_ended;
    input_watch.on_end = NULL;
    plx__mutex_unlock(&input_watch.mutex);
    if (has_ended)
        plx__thread_join(&input_watch.thread);
}
