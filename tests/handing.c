/* tests/handing.c - see tests/handing.h. */
#include "tests/handing.h"

#include <stdio.h>

#include "platform/test_system.h"

void old_on_taken(plx_loop *loop, plx_handover *handover, void *data)
{
    old_process *old = data;
    (void)loop;
    old->taken++;
    if (old->closes)
        plx_handover_close(handover);
}

static void on_refused(plx_loop *loop, plx_handover *handover, void *data, int status,
                       int64_t process)
{
    old_process *old = data;
    (void)loop;
    old->refused++;
    old->status = status;
    old->process = process;
    if (old->closes)
        plx_handover_close(handover);
}

plx_sockets *list_of(plx_socket socket)
{
    plx_sockets *sockets;
    net_disown(socket);
    ck_ok(plx_sockets_open(&sockets));
    ck_ok(plx_sockets_add(sockets, "web", socket));
    return sockets;
}

bool old_open(world *w, old_process *old, uint64_t timeout_ns)
{
    plx_socket socket = socket_listening(old->address);
    plx_sockets *sockets = list_of(socket);
    const plx_handover_options options = {.sockets = sockets,
                                          .on_taken = old_on_taken,
                                          .on_refused = on_refused,
                                          .data = old,
                                          .timeout_ns = timeout_ns};
    (void)snprintf(old->file, sizeof old->file, "take-%llx.sock",
                   (unsigned long long)plx__clock_now());
    (void)snprintf(old->path, sizeof old->path, "unix:%s", old->file);
    int status = plx_handover_open(&old->handover, w->loop, old->path, &options);
    if (status == 0)
        return true;
    ck_assert_ptr_null(old->handover);
    ck_assert_msg(net_is_sim() ? status == PLX_ENOSYS : status == PLX_EAFNOSUPPORT, "%s",
                  plx_error_name(status));
    plx_sockets_close(sockets);
    return false;
}

static void next_run(void *data)
{
    next_process *next = data;
    next->status = plx_takeover_open(&next->takeover, next->path, next->timeout_ns);
    if (next->status == 0 && next->confirms)
        next->confirmed = plx_takeover_confirm(next->takeover, next->timeout_ns);
    plx__atomic_store(&next->is_done, 1);
}

static bool is_done(void *data)
{
    next_process *next = data;
    return plx__atomic_load(&next->is_done) != 0;
}

void next_start(next_process *next, const char *path, uint64_t timeout_ns, bool confirms)
{
    *next = (next_process){.path = path, .timeout_ns = timeout_ns, .confirms = confirms};
    ck_ok(plx__thread_start(&next->thread, next_run, next));
}

bool next_is_done(next_process *next)
{
    return is_done(next);
}

void next_await(world *w, next_process *next)
{
    turn_until_true(w, is_done, next);
    plx__thread_join(&next->thread);
}

void next_ask(world *w, next_process *next, const old_process *old, bool confirms)
{
    next_start(next, old->path, patience(), confirms);
    next_await(w, next);
}

void check_serves(world *w, const char *address, plx_socket socket, peer *early)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted};
    plx_listener listener;
    char byte = 0;
    ck_ok(plx_listen_adopt(w->loop, &listener, socket, &options));
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    peer_receive(w, &client, &byte, 1);
    ck_assert_int_eq(byte, 'x');
    peer_close(&client);
    if (early != NULL) {
        peer_send(w, early, "y", 1);
        peer_receive(w, early, &byte, 1);
        ck_assert_int_eq(byte, 'y');
        peer_close(early);
    }
    turn_until(w, &p.closed, early != NULL ? 2 : 1);
    ck_ok(plx_listener_close(w->loop, listener));
}

bool is_there(const char *file)
{
    return plx__test_path_mode(file) >= 0;
}

void next_serves(world *w, old_process *old, next_process *next)
{
    ck_ok(next->status);
    ck_ok(next->confirmed);
    turn_until(w, &old->taken, 1);
    plx_socket socket = plx_sockets_take(plx_takeover_sockets(next->takeover), 0);
    plx_takeover_close(next->takeover);
    plx_handover_close(old->handover);
    check_serves(w, old->address, socket, NULL);
}
