/* tests/consumers/consumer.c - a program of somebody else's: it listens, connects to itself, and
 * ends when its greeting has come back.
 */
#include <pollux/pollux.h>

#include <stdio.h>
#include <string.h>

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

static size_t hear(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)conn;
    if (length < 5)
        return 0;
    *(int *)data = memcmp(bytes, "hello", 5);
    plx_loop_stop(loop);
    return length;
}

int main(void)
{
    plx_loop *loop;
    plx_listener listener;
    plx_conn conn;
    char address[PLX_ADDRESS_TEXT_MAX];
    int difference = 1;
    int status = plx_loop_open(&loop, NULL);
    if (status == 0)
        status = plx_listen(loop, &listener, "tcp://127.0.0.1:0",
                            &(plx_listen_options){.conn = &(plx_conn_options){.on_data = echo}});
    if (status == 0)
        status = plx_listener_address(loop, listener, address, sizeof address);
    if (status == 0)
        status = plx_connect(loop, &conn, address,
                             &(plx_conn_options){.on_data = hear, .data = &difference});
    if (status == 0)
        status = plx_conn_write(loop, conn, "hello", 5);
    if (status == 0)
        status = plx_loop_run(loop);
    printf("consumer: pollux %s, %s, %s\n", PLX_VERSION_TEXT,
           loop != NULL ? plx_loop_backend_name(loop) : "no loop",
           status == 0 && difference == 0 ? "heard itself" : plx_error_text(status));
    plx_loop_close(loop);
    return status == 0 && difference == 0 ? 0 : 1;
}
