/* Sends back what it receives. `echo [ADDRESS]`, tcp://127.0.0.1:7000 if none is given. */
#include <pollux/pollux.h>

#include <stdio.h>

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    /* What does not fit the send queue is not consumed, and is shown again when it has drained. */
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

int main(int argc, char **argv)
{
    const char *address = argc > 1 ? argv[1] : "tcp://127.0.0.1:7000";
    char text[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options conn = {.on_data = echo};
    plx_listener server;
    plx_loop *loop;
    int status = plx_loop_open(&loop, NULL);
    if (status == 0)
        status = plx_listen(loop, &server, address, &(plx_listen_options){.conn = &conn});
    if (status == 0 && plx_listener_address(loop, server, text, sizeof text) == 0)
        fprintf(stderr, "listening on %s\n", text);
    if (status == 0)
        status = plx_loop_run(loop);
    plx_loop_close(loop);
    if (status != 0)
        fprintf(stderr, "echo: %s: %s\n", address, plx_error_text(status));
    return status == 0 ? 0 : 1;
}
