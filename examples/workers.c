/* A server whose handlers block: each connection is a call on a thread of a pool, with plain recv()
 * and send(). `workers [THREADS [LISTEN]]`: 8, and tcp://127.0.0.1:7000 if they are not given.
 *
 * It upper-cases lines, and takes 10 ms for each, as code does that asks a database. Ctrl-C drains
 * it: whoever is being answered gets the answer.
 *
 * The same with a process for each connection: .dispatch = PLX_DISPATCH_FORK (on Unix).
 */
#ifdef _WIN32
#include <winsock2.h>
typedef int length_type;
#else
#include <sys/socket.h>
#include <time.h>
typedef size_t length_type;
#endif

#include <ctype.h>
#include <pollux/pollux.h>
#include <stdio.h>
#include <stdlib.h>

static void ask_the_database(void)
{
#ifdef _WIN32
    Sleep(10);
#else
    (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
#endif
}

/* On a thread of the server's. Returning closes the connection. */
static int serve(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                 void *data)
{
    char text[1024];
    (void)bytes; /* There are none without accept_receive_first. */
    (void)length;
    (void)data;
    while (!plx_server_is_ending(server)) {
        int count = (int)recv(socket, text, (length_type)sizeof text, 0);
        if (count <= 0)
            return 0; /* The end, an error, or nothing for 60 seconds. */
        ask_the_database();
        for (int i = 0; i < count; i++)
            text[i] = (char)toupper((unsigned char)text[i]);
        for (int sent = 0, more; sent < count; sent += more) {
            more = (int)send(socket, text + sent, (length_type)(count - sent), 0);
            if (more <= 0)
                return 0;
        }
    }
    return 0;
}

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

static int run(plx_server *server, const char *address)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options conn = {.read_timeout_ns = 60 * PLX_SECOND,
                                   .write_timeout_ns = 60 * PLX_SECOND};
    int status = plx_signal_open(plx_server_loop(server, 0), NULL, PLX_SIGNAL_INTERRUPT,
                                 interrupted, server);
    if (status == 0)
        status = plx_server_listen(server, address, &(plx_listen_options){.conn = &conn});
    if (status == 0)
        status = plx_server_address(server, 0, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s\n", text);
    return plx_server_run(server);
}

int main(int argc, char **argv)
{
    const char *address = argc > 2 ? argv[2] : "tcp://127.0.0.1:7000";
    const plx_server_options options = {.dispatch = PLX_DISPATCH_THREAD,
                                        .on_socket = serve,
                                        .handlers = argc > 1 ? (uint32_t)atoi(argv[1]) : 8};
    plx_server *server = NULL;
    int status = plx_server_open(&server, &options);
    if (status == 0)
        status = run(server, address);
    if (status != 0)
        fprintf(stderr, "workers: %s: %s\n", address, plx_error_text(status));
    plx_server_close(server);
    return status == 0 ? 0 : 1;
}
