/* tools/serve_supervisor.c - see tools/serve_supervisor.h.
 *
 * The watchdog is fed when every loop has answered: counting asks each of them on its own thread.
 * So a loop that hangs keeps the supervisor from hearing of the server.
 */
#include "tools/serve_supervisor.h"

static void notify(const char *state)
{
    int status = plx_notify(state);
    if (status != 0)
        serve_note("NOTIFY_SOCKET: %s", plx_error_text(status));
}

/* On the thread of any loop. */
static void on_alive(plx_server *server, const plx_server_counts *counts, void *data)
{
    serve *s = data;
    (void)server;
    (void)counts;
    (void)plx_notify("WATCHDOG=1"); /* Who does not hear it acts. */
    plx__atomic_store(&s->is_asking, 0);
}

static void on_tick(plx_loop *loop, plx_timer timer, void *data)
{
    serve *s = data;
    (void)loop;
    (void)timer;
    if (plx__atomic_exchange(&s->is_asking, 1) != 0)
        return; /* Some loop has not answered yet. */
    if (plx_server_count(s->server, on_alive, s) != 0)
        plx__atomic_store(&s->is_asking, 0);
}

int serve_supervisor_open(serve *s)
{
    const uint64_t interval_ns = plx_notify_interval_ns();
    int status = 0;
    if (interval_ns > 0)
        status = plx_timer_start(plx_server_loop(s->server, 0), NULL, interval_ns, interval_ns,
                                 on_tick, s);
    if (status == 0)
        notify("READY=1");
    return status;
}

void serve_supervisor_close(const serve *s)
{
    if (!s->is_handed_over) /* Else the service continues, in another process. */
        notify("STOPPING=1");
}
