/* tests/stand.c - see tests/stand.h. */
#include "tests/stand.h"

#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"

static void look(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    stand *s = data;
    char byte;
    (void)loop;
    (void)watch;
    ck_assert_uint_eq(ready, PLX_READABLE);
    /* Another look may be on its way when the byte has been read. */
    s->looks += net_receive(socket, &byte, 1) == 1;
}

static void tick(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ((stand *)data)->ticks++;
}

static void signal_count(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    ((stand *)data)->signals++;
}

static void post_count(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ((stand *)data)->posts++;
}

static void echo_check(world *w, peer *p, unsigned char sent)
{
    unsigned char got = 0;
    peer_send(w, p, &sent, 1);
    peer_receive(w, p, &got, 1);
    ck_assert_uint_eq(got, sent);
}

static void file_open(world *w, stand *s, const plx_listen_options *options)
{
    (void)snprintf(s->file, sizeof s->file, "pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    (void)snprintf(s->file_address, sizeof s->file_address, "unix:%s", s->file);
    int status = plx_listen(w->loop, NULL, s->file_address, options);
    if (status == PLX_EAFNOSUPPORT)
        s->file[0] = '\0';
    else
        ck_ok(status);
}

void stand_open(world *w, stand *s)
{
    memset(s, 0, sizeof *s);
    s->conns.then_data = echo_back;
    const plx_conn_options accepted = probe_options(&s->conns);
    const plx_listen_options options = {.conn = &accepted};
    s->listener = listen_at(w, &accepted, s->address);
    file_open(w, s, &options);
    for (size_t i = 0; i < STAND_PEERS; i++) {
        s->peers[i] = peer_start(s->address);
        turn_until(w, &s->conns.opened, i + 1);
    }
    s->watched = couple_open();
    ck_ok(plx_watch_open(w->loop, &s->watch, s->watched.ours.socket, PLX_READABLE, look, s));
    ck_ok(plx_timer_start(w->loop, &s->timer, PLX_MILLISECOND, PLX_MILLISECOND, tick, s));
    int status = plx_signal_open(w->loop, &s->signal, PLX_SIGNAL_USER1, signal_count, s);
    ck_assert(status == 0 || status == PLX_ENOSYS);
    turn_some(w);
}

/* A visitor who comes, has one byte sent back and goes. */
static void visit(world *w, stand *s, const char *address)
{
    size_t closed = s->conns.closed;
    peer visitor = peer_open(w, address);
    echo_check(w, &visitor, 'v');
    peer_close(&visitor);
    turn_until(w, &s->conns.closed, closed + 1);
}

void stand_check(world *w, stand *s)
{
    size_t looks = s->looks, ticks = s->ticks, signals = s->signals, posts = s->posts;
    for (size_t i = 0; i < STAND_PEERS; i++)
        echo_check(w, &s->peers[i], (unsigned char)i);
    peer_send(w, &s->watched.theirs, "w", 1);
    turn_until(w, &s->looks, looks + 1);
    uint64_t until = net_now() + patience();
    while (s->ticks == ticks && net_now() < until)
        turn(w);
    ck_assert_uint_gt(s->ticks, ticks);
    if (s->signal.bits != 0 && plx__test_signal(PLX_SIGNAL_USER1) == 0)
        turn_until(w, &s->signals, signals + 1);
    ck_ok(plx_post(w->loop, post_count, s));
    turn_until(w, &s->posts, posts + 1);
    visit(w, s, s->address);
    if (s->file[0] != '\0')
        visit(w, s, s->file_address);
}

void stand_close(world *w, stand *s)
{
    bool is_open = w->loop != NULL && s->watch.bits != 0;
    if (is_open) {
        ck_ok(plx_watch_close(w->loop, s->watch));
        ck_ok(plx_timer_cancel(w->loop, s->timer));
        if (s->signal.bits != 0)
            ck_ok(plx_signal_close(w->loop, s->signal));
    }
    for (size_t i = 0; i < STAND_PEERS; i++)
        peer_close(&s->peers[i]);
    couple_close(&s->watched);
    if (is_open)
        turn_until(w, &s->conns.closed, s->conns.opened);
}

bool stand_file_is_there(const stand *s)
{
    /* A socket file cannot be opened, but it can be renamed; to its own name, even. */
    return s->file[0] != '\0' && rename(s->file, s->file) == 0;
}
