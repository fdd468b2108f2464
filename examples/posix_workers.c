/* An echo server in which one loop accepts, and loops on other threads (POSIX's) serve.
 * `posix_workers [LISTEN]`, tcp://127.0.0.1:7000 if none is given. Ends on Ctrl-C.
 *
 * A connection is accepted paused, so that nothing is received from it here, and is released at
 * once; its socket goes to a worker by plx_post(), the one call that any thread may make, and
 * becomes a connection of that worker's loop. From then on no two threads share anything.
 */
#include <pollux/pollux.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS 4

struct worker {
    plx_loop *loop;
    pthread_t thread;
    int status; /* Of its loop, once it has ended. */
};

struct server {
    struct worker workers[WORKERS];
    unsigned next; /* Which of them gets the next connection. */
};

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

/* --- on a worker's thread --------------------------------------------------------------------- */

static void conn_take(plx_loop *loop, void *data, int status)
{
    plx_socket *socket = data;
    if (status == 0)
        status = plx_conn_adopt(loop, NULL, *socket, &(plx_conn_options){.on_data = echo}, NULL, 0);
    if (status != 0) /* It is still ours: the loop closes, or has no room. */
        plx_socket_close(*socket);
    free(socket);
}

static void *worker_run(void *data)
{
    struct worker *worker = data;
    worker->status = plx_loop_run(worker->loop);
    return NULL;
}

/* --- on the thread of main() ------------------------------------------------------------------ */

static void conn_opened(plx_loop *loop, plx_conn conn, void *data)
{
    (void)data;
    if (plx_conn_release(loop, conn) != 0)
        plx_conn_close(loop, conn);
}

static void conn_released(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                          const void *bytes, size_t length)
{
    struct server *server = data;
    plx_loop *to = server->workers[server->next++ % WORKERS].loop;
    plx_socket *errand = malloc(sizeof *errand);
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length; /* 0: it was paused all along. */
    if (errand != NULL)
        *errand = socket;
    if (errand == NULL || plx_post(to, conn_take, errand) != 0) {
        plx_socket_close(socket); /* Its worker is far behind: better told now than never served. */
        free(errand);
    }
}

static void interrupted(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    (void)data;
    (void)number;
    plx_loop_stop(loop);
}

static int listen_and_run(plx_loop *loop, struct server *server, const char *address)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    const plx_conn_options conn = {.on_open = conn_opened,
                                   .on_release = conn_released,
                                   .data = server,
                                   .flags = PLX_CONN_PAUSED};
    const plx_listen_options options = {.conn = &conn};
    int status = plx_signal_open(loop, NULL, PLX_SIGNAL_INTERRUPT, interrupted, NULL);
    if (status == 0)
        status = plx_listen(loop, &listener, address, &options);
    if (status == 0)
        status = plx_listener_address(loop, listener, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s\n", text);
    return plx_loop_run(loop);
}

static int worker_start(struct worker *worker)
{
    int status = plx_loop_open(&worker->loop, &(plx_loop_options){.keep_running = 1});
    if (status == 0 && pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
        plx_loop_close(worker->loop);
        status = PLX_ELIMIT;
    }
    return status;
}

/* 0, or why one of them had ended before it was told to. */
static int workers_stop(struct worker *workers, int count)
{
    int status = 0;
    for (int i = 0; i < count; i++) {
        plx_loop_stop(workers[i].loop);
        pthread_join(workers[i].thread, NULL);
        status = status != 0 ? status : workers[i].status;
    }
    for (int i = 0; i < count; i++)
        plx_loop_close(workers[i].loop);
    return status;
}

int main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000";
    static struct server server;
    plx_loop *loop = NULL;
    int started = 0;
    int status = plx_loop_open(&loop, NULL);
    while (status == 0 && started < WORKERS) {
        status = worker_start(&server.workers[started]);
        started += status == 0;
    }
    if (status == 0)
        status = listen_and_run(loop, &server, address);
    plx_loop_close(loop); /* First: it posts to the others. */
    int ended = workers_stop(server.workers, started);
    status = status != 0 ? status : ended;
    if (status != 0)
        fprintf(stderr, "posix_workers: %s: %s\n", address, plx_error_text(status));
    return status == 0 ? 0 : 1;
}
