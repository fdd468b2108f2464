/* tools/input_watch.c - tells when standard input ends.
 *
 * It outlives everything else: when a signal ends the server, the thread is still blocked in a read
 * that cannot be interrupted on every system. It then finds nobody to tell, and ends with the
 * process.
 */
#include "tools/input_watch.h"

#include "platform/process.h"

static struct {
    plx__mutex mutex;
    plx__thread thread;
    input_end_fn on_end; /* NULL: nobody is told. */
    void *data;
    bool has_ended;
} input_watch;

static void input_watch_run(void *data)
{
    (void)data;
    plx__input_drain();
    plx__mutex_lock(&input_watch.mutex);
    input_watch.has_ended = true;
    if (input_watch.on_end != NULL)
        input_watch.on_end(input_watch.data);
    plx__mutex_unlock(&input_watch.mutex);
}

int input_watch_open(input_end_fn on_end, void *data)
{
    plx__mutex_open(&input_watch.mutex);
    input_watch.on_end = on_end;
    input_watch.data = data;
    return plx__thread_start(&input_watch.thread, input_watch_run, NULL);
}

void input_watch_close(void)
{
    plx__mutex_lock(&input_watch.mutex);
    bool has_ended = input_watch.has_ended;
    input_watch.on_end = NULL;
    plx__mutex_unlock(&input_watch.mutex);
    if (has_ended)
        plx__thread_join(&input_watch.thread);
}
