/* tests/fuzz_listeners.c - see tests/fuzz_listeners.h. */
#include "tests/fuzz_listeners.h"

#include <stdio.h>
#include <string.h>

#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_couple.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_loops.h"

static fuzz_listeners_hooks hooks;

void fuzz_listeners_open(const fuzz_listeners_hooks *given)
{
    hooks = *given;
}

/* --- callbacks ---------------------------------------------------------------------------------
 */

static void on_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)listener;
    (void)data;
    CHECK(status < 0);
    hooks.calls(loop);
}

static int on_peer(void *data, const char *peer, const char *local)
{
    (void)data;
    CHECK(strlen(peer) < PLX_ADDRESS_TEXT_MAX && strlen(local) < PLX_ADDRESS_TEXT_MAX);
    return one_in(6) ? PLX_EACCES : 0;
}

/* What may be done with a socket that is nobody's yet. */
static void socket_ask(plx_socket socket)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_socket duplicate;
    int status = plx_socket_peer(socket, text, sizeof text);
    CHECK(status != 0 || strlen(text) > 0); /* The peer may have gone. */
    CHECK(plx_socket_local(socket, text, sizeof text) == 0);
    CHECK(plx_socket_set_blocking(socket, 1) == 0);
    CHECK(plx_socket_set_blocking(socket, 0) == 0);
    status = plx_socket_duplicate(socket, &duplicate);
    CHECK(status == 0 || (duplicate == PLX_SOCKET_NONE && fuzz_faults_may_cause(status)));
    if (status == 0)
        plx_socket_close(duplicate);
}

static enum plx_accept_verdict on_accept(plx_loop *loop, plx_listener listener, void *data,
                                         plx_socket socket, const void *bytes, size_t length)
{
    (void)listener;
    (void)data;
    CHECK(length == 0 || bytes != NULL);
    if (one_in(8))
        socket_ask(socket);
    hooks.calls(loop);
    if (one_in(6))
        return PLX_ACCEPT_REFUSED;
    if (one_in(2))
        return PLX_ACCEPT_OPEN;
    if (one_in(6))
        plx_socket_reset(socket);
    else if (one_in(6) || !hooks.adopt(socket, bytes, length))
        plx_socket_close(socket);
    return PLX_ACCEPT_TAKEN;
}

/* --- calls -------------------------------------------------------------------------------------
 */

static plx_listen_options any_options(const plx_conn_options *accepted)
{
    plx_listen_options options = {.conn = accepted, .on_error = on_error, .backlog = 64};
    options.accept_receive_first = one_in(4);
    options.on_accept = one_in(3) ? on_accept : NULL;
    options.on_peer = one_in(3) ? on_peer : NULL;
    options.conditional_accept = one_in(8); /* Wrong without on_peer. */
    options.shared = one_in(8);             /* Most backends refuse it. */
    return options;
}

/* Most are wrong. At port 1 nobody listens, this program neither: other tests count on that. */
static const char *odd_address(void)
{
    static const char *const addresses[] = {"tcp://nonsense", "udp://127.0.0.1:1", ""};
    return addresses[chance_below(sizeof addresses / sizeof addresses[0])];
}

static bool adopt_listening(plx_loop *loop, plx_socket socket, const plx_conn_options *accepted,
                            plx_listener *listener_out)
{
    const plx_listen_options options = any_options(accepted);
    if (plx_listen_adopt(loop, listener_out, socket, &options) == 0)
        return true;
    plx_socket_close(socket);
    return false;
}

static bool listen_anew(plx_loop *loop, const plx_conn_options *accepted, uint64_t calls,
                        plx_listener *listener_out)
{
    plx_listen_options options = any_options(accepted);
    char address[PLX_ADDRESS_TEXT_MAX] = "tcp://127.0.0.1:0";
    options.reuse_port = one_in(8);
    options.path_mode = one_in(8) ? 0600 : 0;
    if (one_in(4))
        fuzz_path_take(address, sizeof address);
    else if (one_in(2))
        (void)fuzz_address_take(address, sizeof address, calls);
    return plx_listen(loop, listener_out, one_in(20) ? odd_address() : address, &options) == 0;
}

bool fuzz_listeners_listen(plx_loop *loop, const plx_conn_options *accepted, uint64_t calls,
                           plx_listener *listener_out, char *address)
{
    if (one_in(4)) {
        plx_socket socket = fuzz_loops_listening();
        if (socket == PLX_SOCKET_NONE || !adopt_listening(loop, socket, accepted, listener_out))
            return false;
    } else if (!listen_anew(loop, accepted, calls, listener_out)) {
        return false;
    }
    return plx_listener_address(loop, *listener_out, address, PLX_ADDRESS_TEXT_MAX) == 0;
}

/* Its socket file is for whoever listens next, which is nobody. */
static void file_keep(plx_loop *loop, plx_listener listener)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    if (plx_listener_address(loop, listener, address, sizeof address) != 0) {
        CHECK(plx_listener_keep_file(loop, listener) == PLX_ESTALE);
        return;
    }
    CHECK(plx_listener_keep_file(loop, listener) == 0);
    if (strncmp(address, "unix:", 5) == 0 && address[5] != '@')
        (void)remove(address + 5);
}

/* A second listener for the same clients, which may finish before the first or after it. */
static void duplicate(plx_loop *loop, plx_listener listener, const plx_conn_options *accepted)
{
    plx_socket socket;
    plx_listener second;
    int status = plx_listener_duplicate(loop, listener, &socket);
    CHECK((status == 0) == (socket != PLX_SOCKET_NONE));
    if (status != 0 || !adopt_listening(loop, socket, accepted, &second))
        return;
    hooks.remember(second.bits);
    if (one_in(2))
        (void)plx_listener_finish(loop, one_in(2) ? second : listener);
}

void fuzz_listeners_call(plx_loop *loop, plx_listener listener, const plx_conn_options *accepted)
{
    switch (chance_below(12)) {
    case 0:
        (void)plx_listener_close(loop, listener);
        break;
    case 1:
    case 2:
        (void)plx_listener_finish(loop, listener);
        break;
    case 3:
        file_keep(loop, listener);
        break;
    case 4:
    case 5:
        duplicate(loop, listener, accepted);
        break;
    case 6:
    case 7:
    case 8:
        (void)plx_listener_pause(loop, listener);
        break;
    default:
        (void)plx_listener_resume(loop, listener);
        break;
    }
}
