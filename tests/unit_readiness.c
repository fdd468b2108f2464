/* tests/unit_readiness.c - what readiness.c makes of a poller that refuses, how often it calls
 * accept(), and whom of the accepted it asks at once. The poller is the test's own.
 */
#include "backends/readiness/readiness.h"
#include "platform/os.h"
#include "tests/harness.h"
#include "tests/polled_endpoint.h"

extern const test_case unit_readiness_cases[];

/* Names the first endpoint as ready to be read, in each wait, and behind it a second one if there
 * is one; takes interest, or refuses it. */
struct plx__backend {
    plx__readiness readiness; /* First. */
    plx__polled *polled, *second;
    bool refuses, is_named;
    uint32_t interest; /* Of the last one that said so. */
    uint32_t ready;    /* What the first one is named for, but for reading: PLX_WRITABLE or 0. */
};

static plx__poller *only;

static int only_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    (void)polled;
    if (poller->refuses)
        return PLX_ENOMEM;
    poller->interest = interest;
    return 0;
}

static void only_forget(plx__poller *poller, plx__polled *polled)
{
    (void)poller;
    (void)polled;
}

static void only_wait(plx__poller *poller)
{
    plx__readiness_turn(&poller->readiness);
    poller->is_named = false;
}

static size_t only_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    if (poller->is_named || max < 2)
        return 0;
    poller->is_named = true;
    events[0] = (plx__poller_event){.polled = poller->polled,
                                    .ready = poller->ready != 0 ? poller->ready : PLX_READABLE};
    if (poller->second == NULL)
        return 1;
    events[1] = (plx__poller_event){.polled = poller->second, .ready = PLX_READABLE};
    return 2;
}

static plx__backend *backend_open(polled_endpoint *p, plx_socket socket)
{
    static const plx__backend_config config = {.receive_bytes = 4096};
    static const plx__poller_ops ops = {only_set, only_forget, only_collect};
    ck_ok(plx__readiness_open(&only, sizeof *only, &config, &ops));
    only->polled = &p->polled;
    *p = (polled_endpoint){.endpoint = {.socket = socket}};
    ck_ok(plx__readiness_attach(only, &p->endpoint, PLX__MADE));
    return only;
}

static void backend_close(plx__backend *backend, polled_endpoint *p)
{
    (void)plx__readiness_detach(backend, &p->endpoint);
    plx__readiness_close(backend);
}

/* What was refused is not under way: nothing asks for it with what is started next. */
static void refused_operation_is_not_under_way(world *w)
{
    const plx__slice slice = plx__slice_of("x", 1);
    couple c = couple_open();
    polled_endpoint p;
    (void)w;
    plx__backend *backend = backend_open(&p, c.ours.socket);
    only->refuses = true;
    ck_assert_int_eq(plx__readiness_receive_start(backend, &p.endpoint), PLX_ENOMEM);
    only->refuses = false;
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_ok(plx__readiness_send_start(backend, &p.endpoint, &slice, 1));
    ck_assert_uint_eq(only->interest, PLX_WRITABLE);
    only_wait(backend);
    const plx__completion *completion = plx__readiness_next(backend);
    ck_assert(completion == NULL || completion->kind != PLX__RECEIVED);
    ck_ok(plx__readiness_receive_start(backend, &p.endpoint));
    ck_assert_uint_eq(only->interest, PLX_READABLE | PLX_WRITABLE);
    backend_close(backend, &p);
    couple_close(&c);
}

/* Interest that has become less is told once core has had the chance to start something again, and
 * not later: a socket that can be written to would end every wait. */
static void interest_that_is_over_is_told(world *w)
{
    const plx__slice slice = plx__slice_of("x", 1);
    couple c = couple_open();
    polled_endpoint p;
    (void)w;
    plx__backend *backend = backend_open(&p, c.ours.socket);
    only->ready = PLX_WRITABLE;
    for (int is_started = 0; is_started < 2; is_started++) {
        ck_ok(plx__readiness_send_start(backend, &p.endpoint, &slice, 1));
        only_wait(backend);
        const plx__completion *completion = plx__readiness_next(backend);
        ck_assert_ptr_nonnull(completion);
        ck_assert_int_eq(completion->kind, PLX__SENT);
        ck_assert_uint_eq(only->interest, PLX_WRITABLE);
        if (is_started != 0)
            ck_ok(plx__readiness_send_start(backend, &p.endpoint, &slice, 1));
        ck_assert_ptr_null(plx__readiness_next(backend));
        ck_assert_uint_eq(only->interest, is_started != 0 ? PLX_WRITABLE : 0);
    }
    backend_close(backend, &p);
    couple_close(&c);
}

/* Events are a wait's: without one, a poller that would name somebody is not asked. */
static void nothing_is_collected_before_a_wait(world *w)
{
    couple c = couple_open();
    polled_endpoint p;
    (void)w;
    plx__backend *backend = backend_open(&p, c.ours.socket);
    ck_ok(plx__readiness_receive_start(backend, &p.endpoint));
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_assert_ptr_null(plx__readiness_next(backend));
    uint64_t until = plx__clock_now() + patience();
    do { /* It has been sent, and may still be on its way. */
        ck_assert_uint_lt(plx__clock_now(), until);
        only_wait(backend);
    } while (plx__readiness_next(backend) == NULL);
    ck_assert_ptr_null(plx__readiness_next(backend));
    backend_close(backend, &p);
    couple_close(&c);
}

/* One that is in the listener's queue. */
static peer peer_waiting(const char *address)
{
    peer p = peer_start(address);
    plx__poll_entry entry = {.fd = p.socket, .events = PLX__POLL_WRITE};
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    return p;
}

/* Accepts all that a wait brings; how many. */
static size_t accept_all(plx__backend *backend, int *status_out)
{
    size_t accepted = 0;
    const plx__completion *completion;
    only_wait(backend);
    while ((completion = plx__readiness_next(backend)) != NULL) {
        ck_assert_int_eq(completion->kind, PLX__ACCEPTED);
        *status_out = completion->status;
        if (completion->status == 0) {
            plx__socket_close(completion->accepted);
            accepted++;
        }
    }
    return accepted;
}

/* One, two, four in turn after turn; and when it fails, no second try in that turn. */
static void accepting_that_fails_is_not_tried_again_at_once(world *w)
{
    enum { PEERS = 15 };
    static const plx__accept_config config = {.receive_first = false};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    polled_endpoint p;
    int status;
    (void)w;
    plx_socket listener = socket_listening(address);
    plx__backend *backend = backend_open(&p, listener);
    ck_ok(plx__readiness_accept_start(backend, &p.endpoint, &config));
    for (int i = 0; i < PEERS; i++)
        peers[i] = peer_waiting(address);
    for (size_t allowed = 1; allowed <= 4; allowed *= 2)
        ck_assert_uint_eq(accept_all(backend, &status), allowed);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    ck_assert_uint_eq(accept_all(backend, &status), 0);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert_int_eq(status, PLX_EMFILE);
    backend_close(backend, &p);
    plx__socket_close(listener);
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
}

/* One that has found nobody begins with one again, though it is ready in the next turn, too. */
static void accepting_begins_anew_when_nobody_waits(world *w)
{
    enum { PEERS = 5 };
    static const plx__accept_config config = {.receive_first = false};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    polled_endpoint p;
    int status;
    (void)w;
    plx_socket listener = socket_listening(address);
    plx__backend *backend = backend_open(&p, listener);
    ck_ok(plx__readiness_accept_start(backend, &p.endpoint, &config));
    for (int i = 0; i < 3; i++)
        peers[i] = peer_waiting(address);
    ck_assert_uint_eq(accept_all(backend, &status), 1);
    ck_assert_uint_eq(accept_all(backend, &status), 2);
    ck_assert_uint_eq(accept_all(backend, &status), 0);
    for (int i = 3; i < PEERS; i++)
        peers[i] = peer_waiting(address);
    ck_assert_uint_eq(accept_all(backend, &status), 1);
    ck_assert_uint_eq(accept_all(backend, &status), 1);
    backend_close(backend, &p);
    plx__socket_close(listener);
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
}

/* The one connection that this call of `next` brings. */
static plx_socket accept_one(plx__backend *backend)
{
    const plx__completion *completion = plx__readiness_next(backend);
    ck_assert_ptr_nonnull(completion);
    ck_assert_int_eq(completion->kind, PLX__ACCEPTED);
    ck_ok(completion->status);
    return completion->accepted;
}

/* What one listener may accept in a turn, and does not because it is stopped, is not for the next:
 * that one may accept its own. */
static void listener_does_not_inherit_what_another_may_accept(world *w)
{
    enum { PEERS = 5 };
    static const plx__accept_config config = {.receive_first = false};
    char addresses[2][PLX_ADDRESS_TEXT_MAX];
    plx_socket listeners[2];
    peer peers[2][PEERS];
    polled_endpoint p, other;
    int status;
    (void)w;
    for (int i = 0; i < 2; i++)
        listeners[i] = socket_listening(addresses[i]);
    plx__backend *backend = backend_open(&p, listeners[0]);
    other = (polled_endpoint){.endpoint = {.socket = listeners[1]}};
    ck_ok(plx__readiness_accept_start(backend, &p.endpoint, &config));
    ck_ok(plx__readiness_accept_start(backend, &other.endpoint, &config));
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < PEERS; j++)
            peers[i][j] = peer_waiting(addresses[i]);
    ck_assert_uint_eq(accept_all(backend, &status), 1);
    ck_assert_uint_eq(accept_all(backend, &status), 2);
    only->second = &other.polled;
    only_wait(backend);
    plx__socket_close(accept_one(backend)); /* One of four. */
    plx__readiness_stop(backend, &p.endpoint);
    plx__socket_close(accept_one(backend)); /* The other one's, of one. */
    ck_assert_ptr_null(plx__readiness_next(backend));
    (void)plx__readiness_detach(backend, &other.endpoint);
    backend_close(backend, &p);
    for (int i = 0; i < 2; i++) {
        plx__socket_close(listeners[i]);
        for (int j = 0; j < PEERS; j++)
            peer_close(&peers[i][j]);
    }
}

/* A client that connects and, if it speaks, has sent a byte by the time that it is accepted.
 * Returns whether it is asked for that at once. `pauses`: reading begins and ends again. */
static bool is_asked(plx__backend *backend, const char *address, bool speaks, bool pauses)
{
    peer client = peer_waiting(address);
    polled_endpoint accepted;
    if (speaks)
        ck_assert_int_eq(plx__socket_send(client.socket, "x", 1), 1);
    only_wait(backend);
    accepted = (polled_endpoint){.endpoint = {.socket = accept_one(backend)}};
    if (speaks) {
        plx__poll_entry entry = {.fd = accepted.endpoint.socket, .events = PLX__POLL_READ};
        ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    }
    ck_ok(plx__readiness_receive_start(backend, &accepted.endpoint));
    if (pauses)
        plx__readiness_stop(backend, &accepted.endpoint);
    const plx__completion *completion = plx__readiness_next(backend);
    bool is_shown = completion != NULL;
    if (is_shown) {
        ck_assert_int_eq(completion->kind, PLX__RECEIVED);
        ck_assert_ptr_eq(completion->endpoint, &accepted.endpoint);
        ck_assert_ptr_null(plx__readiness_next(backend));
    }
    (void)plx__readiness_detach(backend, &accepted.endpoint);
    plx__socket_close(accepted.endpoint.socket);
    peer_close(&client);
    return is_shown;
}

/* Who has just been accepted is asked at once. After 8 who had nothing to say nobody is, for 248
 * times; one that has something to say has the next 8 asked. One that is not read from any more is
 * not asked. */
static void silent_ones_are_seldom_asked(world *w)
{
    enum { TRIED = 8, UNTRIED = 248 };
    static const plx__accept_config config = {.receive_first = false};
    char address[PLX_ADDRESS_TEXT_MAX];
    polled_endpoint p;
    (void)w;
    plx_socket listener = socket_listening(address);
    plx__backend *backend = backend_open(&p, listener);
    ck_ok(plx__readiness_accept_start(backend, &p.endpoint, &config));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < TRIED - 1; i++)
            ck_assert(!is_asked(backend, address, false, false));
        ck_assert(!is_asked(backend, address, true, true));
        ck_assert(is_asked(backend, address, true, false));
    }
    for (int i = 0; i < TRIED; i++)
        ck_assert(!is_asked(backend, address, false, false));
    for (int i = 0; i < UNTRIED; i++)
        ck_assert(!is_asked(backend, address, true, false));
    ck_assert(is_asked(backend, address, true, false));
    backend_close(backend, &p);
    plx__socket_close(listener);
}

/* Who begins to read later than that, though still in this turn, or in the next one, is not asked:
 * it is named when it is readable. */
static void only_who_begins_at_once_is_asked(world *w)
{
    static const plx__accept_config config = {.receive_first = false};
    char address[PLX_ADDRESS_TEXT_MAX];
    couple c = couple_open();
    polled_endpoint p, watched;
    (void)w;
    plx_socket listener = socket_listening(address);
    plx__backend *backend = backend_open(&p, listener);
    watched = (polled_endpoint){.endpoint = {.socket = c.ours.socket}};
    ck_ok(plx__readiness_accept_start(backend, &p.endpoint, &config));
    ck_ok(plx__readiness_watch(backend, &watched.endpoint, PLX_READABLE));
    for (int turns = 0; turns < 2; turns++) {
        peer client = peer_waiting(address);
        ck_assert_int_eq(plx__socket_send(client.socket, "x", 1), 1);
        only->second = turns == 0 ? &watched.polled : NULL;
        only_wait(backend);
        polled_endpoint accepted = {.endpoint = {.socket = accept_one(backend)}};
        plx__poll_entry entry = {.fd = accepted.endpoint.socket, .events = PLX__POLL_READ};
        ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
        const plx__completion *completion = plx__readiness_next(backend);
        ck_assert_int_eq(completion != NULL, turns == 0);
        if (completion != NULL)
            ck_assert_int_eq(completion->kind, PLX__READY);
        ck_ok(plx__readiness_receive_start(backend, &accepted.endpoint));
        ck_assert_ptr_null(plx__readiness_next(backend));
        (void)plx__readiness_detach(backend, &accepted.endpoint);
        plx__socket_close(accepted.endpoint.socket);
        peer_close(&client);
        only_wait(backend);
        while (plx__readiness_next(backend) != NULL)
            continue; /* It has one try again from now on. */
    }
    (void)plx__readiness_detach(backend, &watched.endpoint);
    backend_close(backend, &p);
    plx__socket_close(listener);
    couple_close(&c);
}

/* Before anybody was accepted nobody is fresh, whatever the number of its socket. */
static void nobody_is_fresh_at_first(world *w)
{
    polled_endpoint p, zero = {.endpoint = {.socket = 0}};
    (void)w;
    plx__backend *backend = backend_open(&p, PLX_SOCKET_NONE);
    ck_ok(plx__readiness_receive_start(backend, &zero.endpoint));
    only_wait(backend);
    ck_assert_ptr_null(plx__readiness_next(backend));
    (void)plx__readiness_detach(backend, &zero.endpoint);
    backend_close(backend, &p);
}

const test_case unit_readiness_cases[] = {
    CASE(nothing_is_collected_before_a_wait),
    CASE(interest_that_is_over_is_told),
    CASE(refused_operation_is_not_under_way),
    CASE(accepting_that_fails_is_not_tried_again_at_once),
    CASE(accepting_begins_anew_when_nobody_waits),
    CASE(listener_does_not_inherit_what_another_may_accept),
    CASE(silent_ones_are_seldom_asked),
    CASE(only_who_begins_at_once_is_asked),
    CASE(nobody_is_fresh_at_first),
    CASES_END,
};
