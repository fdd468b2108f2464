/* tests/epoll_odds.c - more of what is epoll's own: a new set without room for all, a number that
 * is another file's by now, and how many clients a listener accepts turn after turn.
 */
#include "platform/hook.h"
#include "platform/os.h"
#include "platform/test_system.h"
#include "tests/rest.h"

extern const test_case epoll_odds_cases[];

/* --- a system that refuses ---------------------------------------------------------------------
 */

struct epoll_event;
int __real_epoll_ctl(int set, int operation, int descriptor,
                     struct epoll_event *event); /* NOLINT */
int __wrap_epoll_ctl(int set, int operation, int descriptor,
                     struct epoll_event *event); /* NOLINT */

static plx_socket refused = PLX_SOCKET_NONE;

/* The linker puts it in front of the C library's (tests/CMakeLists.txt). The user may watch no more
 * when it comes to this descriptor: epoll_ctl(2), ENOSPC. */
int __wrap_epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event) /* NOLINT */
{
    if (descriptor != refused)
        return __real_epoll_ctl(set, operation, descriptor, event);
    errno = ENOSPC;
    return -1;
}

static plx_conn adopt(world *w, couple *c, probe *p, const plx_conn_options *options)
{
    plx_conn conn;
    size_t before = p->opened;
    plx__socket_disown(c->ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &conn, c->ours.socket, options, NULL, 0));
    c->ours.socket = PLX_SOCKET_NONE;
    turn_until(w, &p->opened, before + 1);
    return conn;
}

static void count_renewals(enum plx__hook_step step, void *data)
{
    *(size_t *)data += step == PLX__HOOK_ARM;
}

/* While there are two sets, the user may watch less in each (epoll(7), max_user_watches), and a new
 * one cannot have all that the old one has. The loop uses what it has, nobody is lost, and it has
 * the new one when there is room. */
static void new_set_without_room_for_all_is_dropped(world *w)
{
    probe gone = {0};
    probe other = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&gone), probe_options(&other)};
    size_t renewals = 0;
    peer client = connect_pair(w, &gone, &options[0]);
    couple c = couple_open();
    const plx_socket socket = c.ours.socket;
    (void)adopt(w, &c, &other, &options[1]);
    turn_some(w);
    ck_ok(plx__test_keeper_start());
    refused = socket;
    plx__hook_set(count_renewals, &renewals);
    ck_ok(plx_conn_close(w->loop, gone.conn));
    peer_send(w, &client, "x", 1); /* The set names one that has gone. */
    turn_until(w, &gone.closed, 1);
    turn_until(w, &renewals, 3);
    expect_service(w, &c.theirs);
    refused = PLX_SOCKET_NONE;
    turn_some(w);
    expect_rest(w);
    expect_service(w, &c.theirs);
    plx__hook_set(NULL, NULL);
    ck_assert_uint_eq(other.closed, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    plx__test_keeper_end();
    peer_close(&client);
    peer_close(&c.theirs);
    turn_until(w, &other.closed, 1);
}

/* --- descriptors that are lost -----------------------------------------------------------------
 */

/* Somebody else closes the descriptor of a connection that is paused, and gets the number for a
 * file of its own. The connection is told when it reads on; what that file has is not its own. */
static void file_that_took_the_number_is_not_read(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    couple c = couple_open();
    couple stranger = couple_open();
    const plx_socket number = c.ours.socket;
    char bytes[6];
    plx_conn conn = adopt(w, &c, &p, &options);
    turn_some(w);
    ck_ok(plx_conn_pause(w->loop, conn));
    turn_some(w);
    ck_assert_int_eq(dup2(stranger.ours.socket, number), number);
    peer_send(w, &stranger.theirs, "secret", 6);
    ck_ok(plx_conn_resume(w->loop, conn));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_EBADF);
    ck_assert_uint_eq(p.received, 0);
    peer_receive(w, &stranger.ours, bytes, 6);
    ck_assert_int_eq(memcmp(bytes, "secret", 6), 0);
    plx__socket_dispose(number);
    couple_close(&stranger);
    couple_close(&c);
}

/* --- listeners that are busy -------------------------------------------------------------------
 */

/* A listener at which clients wait turn after turn accepts one, two, four of them; after a turn
 * without any it begins with one again. */
static void busy_listener_accepts_more_each_turn(world *w)
{
    enum { FIRST = 7, PEERS = 9 };
    static const size_t opened[] = {1, 3, 7, 7, 8, 9};
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    size_t count = 0;
    (void)listen_at(w, &options, address);
    turn_some(w);
    for (size_t i = 0; i < sizeof opened / sizeof opened[0]; i++) {
        for (size_t wanted = i < 4 ? FIRST : PEERS; count < wanted; count++) {
            peers[count] = peer_start(address);
            plx__poll_entry entry = {.fd = peers[count].socket, .events = PLX__POLL_WRITE};
            ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
        }
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(p.opened, opened[i]);
    }
    for (size_t i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, PEERS);
}

static void count_errors(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    ck_assert_int_eq(status, PLX_ENFILE);
    ++*(size_t *)data;
}

/* A listener that has been in no set is resumed while the user may watch no more: that is reported,
 * and tried again until it succeeds. */
static void listener_that_cannot_resume_tries_again(world *w)
{
    probe p = {0};
    size_t errors = 0;
    const plx_conn_options conn = probe_options(&p);
    const plx_listen_options options = {.conn = &conn, .on_error = count_errors, .data = &errors};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    plx_socket socket = socket_listening(address);
    couple c = couple_open();
    world_reopen(w, (plx_loop_options){.connections_max = 1});
    plx_conn only = adopt(w, &c, &p, &conn); /* So nobody is accepted now. */
    plx__socket_disown(socket);
    ck_ok(plx_listen_adopt(w->loop, &listener, socket, &options));
    ck_ok(plx_listener_pause(w->loop, listener));
    ck_ok(plx_conn_close(w->loop, only));
    turn_until(w, &p.closed, 1);
    refused = socket;
    ck_ok(plx_listener_resume(w->loop, listener));
    turn_until(w, &errors, 2);
    refused = PLX_SOCKET_NONE;
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 2);
    peer_close(&c.theirs);
}

const test_case epoll_odds_cases[] = {
    CASE(new_set_without_room_for_all_is_dropped),
    CASE(file_that_took_the_number_is_not_read),
    CASE(busy_listener_accepts_more_each_turn),
    CASE(listener_that_cannot_resume_tries_again),
    CASES_END,
};
