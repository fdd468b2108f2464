/* tests/unit_readiness.c - what readiness.c makes of a poller that refuses, and how often it calls
 * accept(). The poller is the test's own.
 */
#include "backends/readiness.h"
#include "platform/os.h"
#include "tests/harness.h"

extern const test_case unit_readiness_cases[];

/* Names the one endpoint as ready to be read, in each wait; takes interest, or refuses it. */
struct plx__poller {
    plx__polled *polled;
    bool refuses, is_named;
    uint32_t interest;
};

static struct plx__poller only;

static int only_open(plx__poller **poller_out, const plx__backend_config *config)
{
    (void)config;
    *poller_out = &only;
    return 0;
}

static void only_close(plx__poller *poller)
{
    (void)poller;
}

static int only_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    poller->polled = polled;
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

static int only_wait(plx__poller *poller, uint64_t timeout_ns)
{
    (void)timeout_ns;
    poller->is_named = false;
    return 0;
}

static size_t only_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    if (poller->is_named || max == 0)
        return 0;
    poller->is_named = true;
    events[0] = (plx__poller_event){.polled = poller->polled, .ready = PLX_READABLE};
    return 1;
}

static const plx__poller_ops only_ops = {
    .open = only_open,
    .close = only_close,
    .set = only_set,
    .forget = only_forget,
    .wait = only_wait,
    .collect = only_collect,
};

/* An endpoint, and what readiness.c keeps in front of it. */
typedef struct place {
    plx__polled polled;
    plx__endpoint endpoint;
} place;

static plx__backend *backend_open(place *p, plx_socket socket)
{
    static const plx__backend_config config = {.receive_bytes = 4096};
    plx__backend *backend;
    only = (struct plx__poller){.polled = NULL};
    *p = (place){.endpoint = {.socket = socket}};
    ck_ok(plx__readiness_open(&backend, &config, &only_ops));
    ck_ok(plx__readiness_attach(backend, &p->endpoint));
    return backend;
}

static void backend_close(plx__backend *backend, place *p)
{
    (void)plx__readiness_detach(backend, &p->endpoint);
    plx__readiness_close(backend);
}

/* What was refused is not under way: nothing asks for it with what is started next. */
static void refused_operation_is_not_under_way(world *w)
{
    const plx__slice slice = plx__slice_of("x", 1);
    couple c = couple_open();
    place p;
    (void)w;
    plx__backend *backend = backend_open(&p, c.ours.socket);
    only.refuses = true;
    ck_assert_int_eq(plx__readiness_receive_start(backend, &p.endpoint), PLX_ENOMEM);
    only.refuses = false;
    ck_assert_int_eq(plx__socket_send(c.theirs.socket, "x", 1), 1);
    ck_ok(plx__readiness_send_start(backend, &p.endpoint, &slice, 1));
    ck_assert_uint_eq(only.interest, PLX_WRITABLE);
    ck_ok(plx__readiness_wait(backend, 0));
    const plx__completion *completion = plx__readiness_next(backend);
    ck_assert(completion == NULL || completion->kind != PLX__RECEIVED);
    ck_ok(plx__readiness_receive_start(backend, &p.endpoint));
    ck_assert_uint_eq(only.interest, PLX_READABLE | PLX_WRITABLE);
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
    ck_ok(plx__readiness_wait(backend, 0));
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
    static const plx__accept_config config = {.ahead = 1};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    place p;
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

const test_case unit_readiness_cases[] = {
    CASE(refused_operation_is_not_under_way),
    CASE(accepting_that_fails_is_not_tried_again_at_once),
    CASES_END,
};
