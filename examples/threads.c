/* An echo server of several loops, each on a thread of its own, under the policy of your choice.
 * `threads [POLICY [LOOPS [LISTEN]]]`: least-connections, one for each processor, and
 * tcp://127.0.0.1:7000 if they are not given. Ctrl-C drains it, a second one ends it at once.
 *
 * The callbacks are those of an echo server with one loop. Only main() knows that there are
 * several.
 */
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>

/* What belongs to a loop and not to a connection. Only the loop's thread touches it. */
struct loop_state {
    unsigned long long connections, bytes;
};

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    struct loop_state *state = plx_loop_data(loop);
    (void)data;
    if (plx_conn_write(loop, conn, bytes, length) != 0)
        return 0; /* Shown again when the queue has drained. */
    state->bytes += length;
    return length;
}

static void opened(plx_loop *loop, plx_conn conn, void *data)
{
    struct loop_state *state = plx_loop_data(loop);
    (void)conn;
    (void)data;
    state->connections++;
}

/* --- the server ------------------------------------------------------------------------------- */

static void interrupted(plx_loop *loop, plx_signal signal, void *data, int number)
{
    static int times;
    plx_server *server = data;
    (void)loop;
    (void)signal;
    (void)number;
    if (times++ == 0 && plx_server_drain(server, 10 * PLX_SECOND) == 0)
        return;
    plx_server_stop(server);
}

/* On each loop's own thread, before anything else. One of them subscribes to Ctrl-C. */
static int loop_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    struct loop_state *state = calloc(1, sizeof *state);
    (void)data;
    if (state == NULL)
        return PLX_ENOMEM;
    plx_loop_set_data(loop, state);
    return index == 0 ? plx_signal_open(loop, NULL, PLX_SIGNAL_INTERRUPT, interrupted, server) : 0;
}

/* There, too, when all connections of the loop have closed. */
static void loop_ended(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    struct loop_state *state = plx_loop_data(loop);
    (void)server;
    (void)data;
    fprintf(stderr, "loop %u: %llu connections, %llu bytes\n", (unsigned)index, state->connections,
            state->bytes);
    free(state);
}

static int serve(plx_server *server, const char *address)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options conn = {.on_open = opened, .on_data = echo};
    int status = plx_server_listen(server, address, &(plx_listen_options){.conn = &conn});
    if (status == 0)
        status = plx_server_address(server, 0, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s (%u loops, %s)\n", text, (unsigned)plx_server_loops(server),
            plx_dispatch_name(plx_server_dispatch(server)));
    return plx_server_run(server);
}

int main(int argc, char **argv)
{
    const char *policy = argc > 1 ? argv[1] : "least-connections";
    const char *address = argc > 3 ? argv[3] : "tcp://127.0.0.1:7000";
    const plx_server_options options = {.loops = argc > 2 ? (uint32_t)atoi(argv[2]) : 0,
                                        .dispatch = plx_dispatch_find(policy),
                                        .on_start = loop_started,
                                        .on_end = loop_ended};
    plx_server *server = NULL;
    if (options.dispatch == 0) {
        fprintf(stderr, "usage: threads [inline|round-robin|least-connections|kernel|shared "
                        "[LOOPS [LISTEN]]]\n");
        return 2;
    }
    int status = plx_server_open(&server, &options);
    if (status == 0)
        status = serve(server, address);
    if (status == PLX_ENOSYS && plx_dispatch_needs(options.dispatch) != NULL)
        fprintf(stderr, "threads: %s: %s\n", policy, plx_dispatch_needs(options.dispatch));
    else if (status != 0)
        fprintf(stderr, "threads: %s: %s\n", address, plx_error_text(status));
    plx_server_close(server);
    return status == 0 ? 0 : 1;
}
