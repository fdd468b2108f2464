/* core/server/server.c - opening a server, running its loops on threads, and closing it. */
#include "core/server/server.h"

#include "platform/sized.h"

#define CONNECTIONS_MAX_DEFAULT 1048576u
#define HANDLERS_DEFAULT        64u

/* --- opening ---------------------------------------------------------------------------------- */

static bool forks(uint32_t dispatch)
{
    return dispatch == PLX_DISPATCH_FORK || dispatch == PLX_DISPATCH_PREFORK;
}

/* Whether the policy and the rest fit together. */
static bool options_agree(const plx_server_options *options)
{
    const uint32_t dispatch = options->dispatch;
    const bool handles = plx__dispatch_handles(dispatch);
    if (plx_dispatch_name(dispatch) == NULL || options->loops > PLX__WORKERS_MAX ||
        options->handlers > PLX__WORKERS_MAX)
        return false;
    if (options->loops > 1 && (dispatch == PLX_DISPATCH_INLINE || handles))
        return false;
    if (options->no_threads != 0 && (handles || forks(dispatch)))
        return false;
    return (dispatch == PLX_DISPATCH_CHOSEN) == (options->on_choose != NULL) &&
           handles == (options->on_socket != NULL);
}

static int options_take(plx_server_options *options, const plx_server_options *given,
                        size_t options_bytes)
{
    int status = plx__sized_take(options, sizeof *options, given, options_bytes);
    if (status != 0)
        return status;
    if (options->loops == 0 && plx__dispatch_handles(options->dispatch))
        options->loops = 1;
    if (options->loops == 0)
        options->loops = plx__processors_allowed() < PLX__WORKERS_MAX ? plx__processors_allowed()
                                                                      : PLX__WORKERS_MAX;
    if (options->dispatch == 0)
        options->dispatch =
            options->loops == 1 ? PLX_DISPATCH_INLINE : PLX_DISPATCH_LEAST_CONNECTIONS;
    if (options->handlers == 0)
        options->handlers = HANDLERS_DEFAULT;
    return options_agree(options) ? 0 : PLX_EINVAL;
}

static void workers_close(plx_server *server, uint32_t count)
{
    while (count-- > 0)
        plx__worker_close(&server->workers[count]);
    plx__free(server->workers);
}

static int workers_open(plx_server *server, size_t loop_bytes)
{
    plx_loop_options loop;
    int status = plx__sized_take(&loop, sizeof loop, server->options.loop, loop_bytes);
    server->options.loop = NULL; /* It is the caller's. */
    if (status != 0)
        return status;
    loop.keep_running = 1;
    server->connections_max =
        loop.connections_max != 0 ? loop.connections_max : CONNECTIONS_MAX_DEFAULT;
    server->workers = plx__allocate_zeroed(server->loops_count, sizeof *server->workers);
    if (server->workers == NULL)
        return PLX_ENOMEM;
    for (uint32_t i = 0; i < server->loops_count; i++) {
        status = plx__worker_open(server, i, &loop, sizeof loop);
        if (status != 0) {
            workers_close(server, i);
            return status;
        }
    }
    if (server->options.dispatch != PLX_DISPATCH_PREFORK)
        return 0;
    status = plx__loop_options_copy(&server->child_loop, &loop,
                                    plx_loop_backend_name(server->workers[0].loop));
    if (status != 0)
        workers_close(server, server->loops_count);
    return status;
}

/* Threads or children, if the policy has some. */
static int handlers_open(plx_server *server)
{
    if (server->options.dispatch == PLX_DISPATCH_THREAD)
        return plx__pool_open(server);
    if (server->options.dispatch == PLX_DISPATCH_FORK)
        return plx__children_open(server, server->options.handlers);
    if (server->options.dispatch == PLX_DISPATCH_PREFORK)
        return plx__children_open(server, server->options.loops);
    return 0;
}

static void handlers_close(plx_server *server)
{
    plx__pool_close(server);
    plx__children_close(server);
    plx__loop_options_free(&server->child_loop);
}

static int server_open(plx_server *server, size_t loop_bytes)
{
    server->workers_count =
        server->options.dispatch == PLX_DISPATCH_PREFORK ? 1 : server->options.loops;
    server->loops_count =
        server->workers_count + (plx__dispatch_hands_over(server->options.dispatch) ? 1 : 0);
    plx__atomic_store(&server->serving, server->workers_count);
    plx__mutex_open(&server->mutex);
    int status = handlers_open(server);
    if (status == 0)
        status = workers_open(server, loop_bytes);
    if (status != 0) {
        handlers_close(server);
        plx__mutex_close(&server->mutex);
    }
    return status;
}

static int workers_start(plx_server *server)
{
    int status = 0;
    for (uint32_t i = 0; i < server->workers_count && status == 0; i++)
        status = plx__worker_start(&server->workers[i]);
    return status;
}

int plx_server_open_sized(plx_server **server_out, const plx_server_options *options,
                          size_t options_bytes, size_t loop_bytes)
{
    *server_out = NULL;
    plx_server *server = plx__allocate_zeroed(1, sizeof *server);
    if (server == NULL)
        return PLX_ENOMEM;
    int status = options_take(&server->options, options, options_bytes);
    if (status == 0)
        status = server_open(server, loop_bytes);
    if (status != 0) {
        plx__free(server);
        return status;
    }
    if (server->options.no_threads != 0)
        status = workers_start(server);
    if (status != 0) {
        (void)plx_server_close(server);
        return status;
    }
    *server_out = server;
    return 0;
}

/* --- running ---------------------------------------------------------------------------------- */

static void thread_main(void *data)
{
    plx__worker_run(data);
}

/* A thread for each of the first loops. 0, or why one could not be started: then all loops have
 * been told to stop. */
static int threads_start(plx_server *server, uint32_t count, uint32_t *started_out)
{
    int status = 0;
    *started_out = 0;
    while (*started_out < count && status == 0) {
        plx__worker *worker = &server->workers[*started_out];
        status = plx__thread_start(&worker->thread, thread_main, worker);
        *started_out += status == 0;
    }
    if (status != 0)
        plx_server_stop(server);
    return status;
}

/* The calling thread runs the last loop, the one that accepts if there is one; unless threads are
 * pinned, which this one shall not be when this returns. */
static int threads_run(plx_server *server)
{
    const uint32_t count = server->loops_count - (server->options.pin == 0);
    uint32_t started;
    int status = threads_start(server, count, &started);
    if (server->options.pin == 0)
        plx__worker_run(&server->workers[count]);
    for (uint32_t i = 0; i < started; i++)
        plx__thread_join(&server->workers[i].thread);
    for (uint32_t i = started; i < count; i++)
        (void)plx__worker_end(&server->workers[i], 0);
    return status;
}

/* The loop that accepts for them runs on the calling thread. */
static int handlers_run(plx_server *server)
{
    int status = server->options.dispatch == PLX_DISPATCH_THREAD ? plx__pool_start(server)
                                                                 : plx__forking_start(server);
    if (status == 0)
        plx__worker_run(&server->workers[0]);
    else
        (void)plx__worker_end(&server->workers[0], status);
    return status;
}

int plx_server_run(plx_server *server)
{
    uint32_t state = PLX__SERVER_OPEN;
    if (server->options.no_threads != 0)
        return PLX_EINVAL;
    if (!plx__atomic_compare_exchange(&server->state, &state, PLX__SERVER_RUNNING))
        return state == PLX__SERVER_RUNNING ? PLX_EBUSY : PLX_ECANCELED;
    int status;
    if (plx__dispatch_handles(server->options.dispatch))
        status = handlers_run(server);
    else if (server->options.dispatch == PLX_DISPATCH_PREFORK)
        status = plx__prefork_run(server);
    else
        status = threads_run(server);
    plx__atomic_store(&server->state, PLX__SERVER_OVER);
    return status != 0 ? status : server->status;
}

/* --- closing ---------------------------------------------------------------------------------- */

static bool is_in_callback(plx_server *server)
{
    bool is_busy = plx__atomic_load(&server->calling) > 0;
    for (uint32_t i = 0; i < server->loops_count; i++)
        is_busy = is_busy || plx_loop_is_in_turn(server->workers[i].loop);
    return is_busy;
}

/* The one that accepts first, so that it hands over nothing any more. */
static int workers_end(plx_server *server)
{
    for (uint32_t i = server->loops_count; i-- > 0;) {
        if (plx__worker_end(&server->workers[i], 0) != 0)
            return PLX_EBUSY;
    }
    return 0;
}

int plx_server_loop_end(plx_server *server, plx_loop *loop, int status)
{
    for (uint32_t i = 0; server->options.no_threads != 0 && i < server->loops_count; i++) {
        if (server->workers[i].loop == loop)
            return plx__worker_end(&server->workers[i], status);
    }
    return PLX_EINVAL;
}

int plx_server_close(plx_server *server)
{
    if (server == NULL)
        return 0;
    if (plx__atomic_load(&server->state) == PLX__SERVER_RUNNING || is_in_callback(server))
        return PLX_EBUSY;
    plx__atomic_store(&server->is_stopping, 1);
    if (workers_end(server) != 0)
        return PLX_EBUSY;
    workers_close(server, server->loops_count);
    handlers_close(server);
    plx__listening_free(server);
    plx__limits_close(server->limits);
    plx__mutex_close(&server->mutex);
    plx__free(server);
    return 0;
}

plx_loop *plx_server_loop(const plx_server *server, uint32_t index)
{
    return index < server->loops_count ? server->workers[index].loop : NULL;
}

uint32_t plx_server_loops(const plx_server *server)
{
    return server->workers_count;
}

uint32_t plx_server_dispatch(const plx_server *server)
{
    return server->options.dispatch;
}
