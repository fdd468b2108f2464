/* An echo server that hands over to its next version, without a gap.
 *
 *     restart 1                # serves at tcp://127.0.0.1:7000, and greets as version 1
 *     restart 2                # takes its socket; version 1 serves who is connected, and ends
 *
 * `restart VERSION [LISTEN [PATH]]`: PATH is where the versions meet, ./restart.sock if it is not
 * given. A client that connects at any time is served by one of the two: the socket that listens is
 * open in both for a moment, and who waits in its queue waits for whichever accepts.
 */
#include <pollux/pollux.h>

#include <stdio.h>

/* How long the old version waits for those who are connected. */
#define LAST_NS (60 * PLX_SECOND)

struct server {
    const char *version;
    plx_loop *loop;
    plx_listener listener;
    plx_handover *handover; /* What it offers to the next version. */
};

/* --- connections ------------------------------------------------------------------------------ */

static void greet(plx_loop *loop, plx_conn conn, void *data)
{
    const struct server *server = data;
    char text[64];
    int length = snprintf(text, sizeof text, "version %.32s\n", server->version);
    if (plx_conn_write(loop, conn, text, (size_t)length) != 0)
        plx_conn_close(loop, conn);
}

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

/* --- the old version -------------------------------------------------------------------------- */

static void time_is_up(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    plx_loop_stop(loop);
}

/* The next version listens. The run of the loop ends when nothing is open any more. */
static void taken(plx_loop *loop, plx_handover *handover, void *data)
{
    struct server *server = data;
    plx_timer timer;
    (void)handover;
    fprintf(stderr, "handed over\n");
    plx_listener_keep_file(loop, server->listener);
    plx_listener_finish(loop, server->listener);
    if (plx_timer_start(loop, &timer, LAST_NS, 0, time_is_up, NULL) == 0)
        plx_timer_set_background(loop, timer, 1);
}

static void refused(plx_loop *loop, plx_handover *handover, void *data, int status, int64_t process)
{
    (void)loop;
    (void)handover;
    (void)data;
    fprintf(stderr, "process %lld does not take over: %s\n", (long long)process,
            plx_error_text(status));
}

/* The offer has a duplicate of the socket: the loop closes its own. */
static int offer(struct server *server, const char *path)
{
    plx_sockets *sockets;
    plx_socket socket;
    int status = plx_sockets_open(&sockets);
    if (status != 0)
        return status;
    status = plx_listener_duplicate(server->loop, server->listener, &socket);
    if (status == 0) {
        status = plx_sockets_add(sockets, "echo", socket);
        if (status != 0)
            plx_socket_close(socket);
    }
    if (status == 0)
        status = plx_handover_open(
            &server->handover, server->loop, path,
            &(plx_handover_options){
                .sockets = sockets, .on_taken = taken, .on_refused = refused, .data = server});
    if (status != 0)
        plx_sockets_close(sockets);
    return status;
}

/* --- the new version -------------------------------------------------------------------------- */

static int listen_at(struct server *server, const char *address, plx_takeover *takeover)
{
    const plx_conn_options conn = {.on_open = greet, .on_data = echo, .data = server};
    const plx_listen_options options = {.conn = &conn};
    if (takeover == NULL)
        return plx_listen(server->loop, &server->listener, address, &options);
    plx_sockets *sockets = plx_takeover_sockets(takeover);
    int status =
        plx_listen_adopt(server->loop, &server->listener, plx_sockets_at(sockets, 0), &options);
    if (status != 0)
        return status;
    (void)plx_sockets_take(sockets, 0); /* It is the loop's. */
    return plx_takeover_confirm(takeover, 10 * PLX_SECOND);
}

static int start(struct server *server, const char *address, const char *path)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_takeover *takeover = NULL;
    int status = plx_takeover_open(&takeover, path, 10 * PLX_SECOND);
    const int is_alone = status == PLX_ENOENT || status == PLX_ECONNREFUSED;
    const int can_hand_over = status != PLX_EAFNOSUPPORT; /* Windows before 10 1803. */
    if (status != 0 && !is_alone && can_hand_over)
        return status;
    status = listen_at(server, address, takeover);
    if (status == 0 && takeover != NULL)
        fprintf(stderr, "took over\n");
    plx_takeover_close(takeover);
    if (status == 0 && can_hand_over)
        status = offer(server, path);
    if (status == 0 && !can_hand_over)
        fprintf(stderr, "this system has no Unix-domain sockets: nobody can take over\n");
    if (status == 0)
        status = plx_listener_address(server->loop, server->listener, text, sizeof text);
    if (status == 0)
        fprintf(stderr, "listening on %s\n", text);
    return status;
}

int main(int argc, char **argv)
{
    const char *address = argc > 2 ? argv[2] : "tcp://127.0.0.1:7000";
    char path[PLX_ADDRESS_TEXT_MAX];
    struct server server = {.version = argc > 1 ? argv[1] : ""};
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: restart VERSION [LISTEN [PATH]]\n");
        return 2;
    }
    snprintf(path, sizeof path, "unix:%s", argc > 3 ? argv[3] : "restart.sock");
    int status = plx_loop_open(&server.loop, NULL);
    if (status == 0)
        status = start(&server, address, path);
    if (status == 0)
        status = plx_loop_run(server.loop);
    plx_handover_close(server.handover);
    plx_loop_close(server.loop);
    if (status != 0)
        fprintf(stderr, "restart: %s, %s: %s\n", address, path, plx_error_text(status));
    return status == 0 ? 0 : 1;
}
