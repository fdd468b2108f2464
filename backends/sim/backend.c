/* backends/sim/backend.c - operations on simulated sockets, for one loop.
 *
 * It does whatever backends/backend.h allows: completions come in any order, sends are taken in
 * part or deferred, a detached endpoint may have something in flight. What it does is chance's.
 */
#include "backends/sim/endpoint.h"
#include "platform/fault.h"
#include "platform/hook.h"

/* The most that a wait takes beside what it waits for. */
#define WAIT_NS      1000u
#define LATE_WAKE_NS (20 * PLX_MILLISECOND)
#define NEVER_NS     (UINT64_C(1) << 62)
#define ACCEPTS_STOP 4u /* One in so many accepts is the last of its turn. */

enum operation {
    ACCEPT = 1,
    RECEIVE = 2,
    CONNECT = 4,
    SEND = 8,
    WATCH = 16,
    RELEASE = 32,
    DETACH = 64,
    RECEIVED = 128 /* Receiving was stopped, and this had arrived before. */
};

enum list { NOWHERE, READY, DUE };

/* --- who is ready ---------------------------------------------------------------------------- */

static void list_remove(plx__backend *backend, plx__sim_endpoint *front)
{
    plx__sim_endpoint **list = front->list == READY ? backend->ready : backend->due;
    uint32_t *count = front->list == READY ? &backend->ready_count : &backend->due_count;
    if (front->list == NOWHERE)
        return;
    list[front->index] = list[--*count];
    list[front->index]->index = front->index;
    front->list = NOWHERE;
}

/* There is room: see sim_attach(). */
static void list_add(plx__backend *backend, plx__sim_endpoint *front, enum list list)
{
    if (front->list != NOWHERE)
        return;
    front->list = (uint8_t)list;
    front->index = list == READY ? backend->ready_count++ : backend->due_count++;
    (list == READY ? backend->ready : backend->due)[front->index] = front;
}

static bool is_ready(const plx__sim_endpoint *front)
{
    uint32_t operations = front->operations;
    if ((operations & (DETACH | RELEASE | RECEIVED)) != 0)
        return true;
    if (front->is_lost)
        return operations != 0;
    uint32_t ready = plx__sim_readiness(front->socket);
    if ((operations & CONNECT) != 0)
        return front->socket->state != PLX__SIM_CONNECTING;
    if ((operations & WATCH) != 0)
        return (ready & (front->interest | (uint32_t)PLX_FAILED)) != 0;
    return ((operations & (ACCEPT | RECEIVE)) != 0 && (ready & PLX_READABLE) != 0) ||
           ((operations & SEND) != 0 && (ready & PLX_WRITABLE) != 0);
}

static void ready_update(plx__backend *backend, plx__sim_endpoint *front)
{
    if (is_ready(front))
        list_add(backend, front, READY);
}

static void on_notify(plx__sim_socket *socket)
{
    plx__sim_endpoint *front = plx__sim_front_of(socket->endpoint);
    if (socket->state == PLX__SIM_FREE) {
        front->is_lost = true;
        front->socket = NULL;
    }
    ready_update(socket->backend, front);
}

static bool is_awake(plx__backend *backend)
{
    const plx_sim *sim = backend->sim;
    if (plx__atomic_load(&backend->is_woken) == 0)
        return false;
    if (backend->wake_ns == UINT64_MAX)
        backend->wake_ns = sim->now_ns + (plx__sim_happens(backend->sim, sim->faults.late_wakes)
                                              ? plx__sim_chance(backend->sim, LATE_WAKE_NS)
                                              : 0);
    return backend->wake_ns <= sim->now_ns;
}

/* Drops those that are not ready any more. */
static bool has_ready(plx__backend *backend)
{
    for (uint32_t i = backend->ready_count; i-- > 0;) {
        if (!is_ready(backend->ready[i]))
            list_remove(backend, backend->ready[i]);
    }
    return backend->ready_count > 0 || backend->due_count > 0 || backend->has_unsent;
}

static uint64_t backend_due(plx__sim_member *member)
{
    plx__backend *backend = (plx__backend *)(void *)member;
    if (has_ready(backend) || is_awake(backend) || backend->deferred_count > 0)
        return backend->sim->now_ns;
    return plx__atomic_load(&backend->is_woken) != 0 ? backend->wake_ns : UINT64_MAX;
}

/* --- operations ------------------------------------------------------------------------------ */

static int sim_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    plx__sim_socket *socket = plx__sim_find(sim, endpoint->socket);
    uint32_t wanted = backend->attached;
    if (socket == NULL)
        return PLX_EBADF;
    if (socket->endpoint != NULL)
        return PLX_EEXIST;
    if (plx__sim_happens(sim, sim->faults.no_memory) ||
        plx__sim_grow((void **)&backend->ready, wanted, &backend->ready_room,
                      sizeof(plx__sim_endpoint *)) != 0 ||
        plx__sim_grow((void **)&backend->due, wanted, &backend->due_room,
                      sizeof(plx__sim_endpoint *)) != 0)
        return PLX_ENOMEM;
    backend->attached++;
    front->socket = socket;
    front->is_watch = origin == PLX__WATCHED;
    socket->endpoint = endpoint;
    socket->loop = socket->home = backend->member.number;
    socket->backend = backend;
    socket->notify = on_notify;
    return 0;
}

static bool sim_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    if (!front->is_lost)
        plx__sim_tell_of(sim, "detach", front->socket, 0);
    plx__sim_deferred_end(backend, front);
    list_remove(backend, front);
    front->operations = 0;
    if (!front->is_lost && front->socket->endpoint == endpoint)
        front->socket->endpoint = NULL;
    if (!front->is_watch && !front->is_released &&
        plx__sim_happens(sim, sim->faults.late_detaches)) {
        front->operations = DETACH;
        list_add(backend, front, READY);
        return false;
    }
    backend->attached--;
    return true;
}

static bool sim_release(plx__backend *backend, plx__endpoint *endpoint)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    front->is_released = true;
    front->operations &= (uint8_t)~RECEIVED; /* It stays in the socket. */
    if (!plx__sim_happens(sim, sim->faults.late_detaches))
        return true;
    front->operations |= RELEASE;
    ready_update(backend, front);
    return false;
}

static int operation_start(plx__backend *backend, plx__endpoint *endpoint, enum operation operation)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    if (plx__sim_happens(sim, sim->faults.no_memory))
        return PLX_ENOMEM;
    front->operations |= (uint8_t)operation;
    ready_update(backend, front);
    return 0;
}

static int sim_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                            const plx__accept_config *config)
{
    plx__sim_front_of(endpoint)->receives_first = config->receive_first;
    return operation_start(backend, endpoint, ACCEPT);
}

static int sim_connect(plx__backend *backend, plx__endpoint *endpoint, const plx__address *address)
{
    int status = plx__sim_connect(backend->sim, plx__sim_front_of(endpoint)->socket, address);
    if (status == 0)
        plx__sim_front_of(endpoint)->operations |= CONNECT;
    return status;
}

static int sim_receive_start(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__sim_front_of(endpoint)->operations &= (uint8_t)~RECEIVED; /* It is received anyway. */
    return operation_start(backend, endpoint, RECEIVE);
}

static void sim_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    bool was_receiving = (front->operations & RECEIVE) != 0;
    front->operations &= (uint8_t) ~(ACCEPT | RECEIVE);
    if (was_receiving && !front->is_lost &&
        (plx__sim_readiness(front->socket) & PLX_READABLE) != 0 &&
        plx__sim_happens(sim, sim->faults.late_detaches)) {
        front->operations |= RECEIVED;
        ready_update(backend, front);
    }
}

static int sim_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count)
{
    (void)slices;
    (void)count; /* Once there is room, core tries again by itself. */
    return operation_start(backend, endpoint, SEND);
}

static int sim_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest)
{
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    front->interest = (uint8_t)interest;
    front->operations = interest != 0 ? WATCH : 0;
    ready_update(backend, front);
    return 0;
}

/* --- completions ----------------------------------------------------------------------------- */

static const plx__completion *complete(plx__backend *backend, plx__sim_endpoint *front,
                                       enum plx__completion_kind kind, int status)
{
    backend->completion = (plx__completion){.endpoint = plx__sim_endpoint_of(front),
                                            .kind = kind,
                                            .status = status,
                                            .accepted = PLX_SOCKET_NONE};
    return &backend->completion;
}

static const plx__completion *accept_try(plx__backend *backend, plx__sim_endpoint *front)
{
    plx_sim *sim = backend->sim;
    plx__sim_socket *accepted;
    int status = plx__sim_accept(sim, front->socket, &accepted);
    if (status == PLX_EAGAIN)
        return NULL;
    if (is_ready(front))
        list_add(backend, front, plx__sim_chance(sim, ACCEPTS_STOP) != 0 ? DUE : READY);
    (void)complete(backend, front, PLX__ACCEPTED, status);
    if (status != 0)
        return &backend->completion;
    backend->completion.accepted = plx__sim_number(accepted);
    if (front->receives_first) {
        ptrdiff_t got = plx__sim_receive(sim, accepted, backend->buffer, backend->receive_bytes);
        backend->completion.bytes = backend->buffer;
        backend->completion.length = got > 0 ? (size_t)got : 0;
    }
    return &backend->completion;
}

static const plx__completion *receive_try(plx__backend *backend, plx__sim_endpoint *front)
{
    ptrdiff_t got =
        plx__sim_receive(backend->sim, front->socket, backend->buffer, backend->receive_bytes);
    if (got == PLX_EAGAIN)
        return NULL;
    front->received = backend->waits;
    if (got <= 0) {
        front->operations &= (uint8_t)~RECEIVE;
        return complete(backend, front, PLX__ENDED, got == 0 ? PLX_EEOF : (int)got);
    }
    (void)complete(backend, front, PLX__RECEIVED, 0);
    backend->completion.bytes = backend->buffer;
    backend->completion.length = (size_t)got;
    return &backend->completion;
}

static const plx__completion *connect_try(plx__backend *backend, plx__sim_endpoint *front)
{
    const plx__sim_socket *socket = front->socket;
    if (socket->state == PLX__SIM_CONNECTING)
        return NULL;
    front->operations &= (uint8_t)~CONNECT;
    return complete(backend, front, PLX__CONNECTED,
                    socket->state == PLX__SIM_CONNECTED ? 0 : socket->error);
}

static const plx__completion *watch_try(plx__backend *backend, plx__sim_endpoint *front)
{
    uint32_t ready = plx__sim_readiness(front->socket) & (front->interest | (uint32_t)PLX_FAILED);
    if (ready == 0)
        return NULL;
    list_add(backend, front, READY);
    (void)complete(backend, front, PLX__READY, 0);
    backend->completion.ready = ready;
    return &backend->completion;
}

static const plx__completion *end_try(plx__backend *backend, plx__sim_endpoint *front)
{
    if ((front->operations & DETACH) != 0) {
        front->operations = 0;
        backend->attached--;
        return complete(backend, front, PLX__DETACHED, 0);
    }
    front->operations &= (uint8_t)~RELEASE;
    return complete(backend, front, PLX__RELEASED, 0);
}

/* Whatever was under way is over, and core is told in terms of what that was. */
static const plx__completion *lost_tell(plx__backend *backend, plx__sim_endpoint *front)
{
    uint32_t operations = front->operations;
    enum plx__completion_kind kind = PLX__ENDED;
    if ((operations & ACCEPT) != 0)
        kind = PLX__ACCEPTED;
    else if ((operations & CONNECT) != 0)
        kind = PLX__CONNECTED;
    else if ((operations & WATCH) != 0)
        kind = PLX__READY;
    front->operations = 0;
    (void)complete(backend, front, kind, PLX_EBADF);
    backend->completion.ready = PLX_FAILED;
    return &backend->completion;
}

/* Tries what the endpoint is ready for, one operation at a time. Each receives once in a turn. */
static const plx__completion *endpoint_try(plx__backend *backend, plx__sim_endpoint *front)
{
    const plx__completion *completion = NULL;
    uint32_t operations = front->operations;
    if ((operations & (DETACH | RELEASE)) != 0)
        return end_try(backend, front);
    if (front->is_lost)
        return operations != 0 ? lost_tell(backend, front) : NULL;
    if ((operations & CONNECT) != 0)
        return connect_try(backend, front);
    if ((operations & WATCH) != 0)
        return watch_try(backend, front);
    if ((operations & ACCEPT) != 0)
        return accept_try(backend, front);
    front->operations &= (uint8_t)~RECEIVED;
    if ((operations & RECEIVED) != 0 ||
        ((operations & RECEIVE) != 0 && front->received != backend->waits))
        completion = receive_try(backend, front);
    bool may_send_too = completion != NULL && (front->operations & SEND) != 0;
    if (completion == NULL && (operations & SEND) != 0 &&
        (plx__sim_readiness(front->socket) & PLX_WRITABLE) != 0) {
        front->operations &= (uint8_t)~SEND;
        completion = complete(backend, front, PLX__SENT, 0);
    }
    if (is_ready(front))
        list_add(backend, front, may_send_too ? DUE : READY);
    return completion;
}

static const plx__completion *sim_next(plx__backend *backend)
{
    const plx__completion *completion;
    if (backend->has_unsent && (completion = plx__sim_unsent_next(backend)) != NULL)
        return completion;
    while (backend->due_count > 0) {
        plx__sim_endpoint *front = backend->due[plx__sim_chance(backend->sim, backend->due_count)];
        list_remove(backend, front);
        completion = endpoint_try(backend, front);
        if (completion != NULL)
            return completion;
    }
    return NULL;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* All of them, or now and then a part: as a system does when more is ready than a wait brings. */
static void ready_collect(plx__backend *backend)
{
    uint32_t left = backend->ready_count;
    if (left > 1 && plx__sim_happens(backend->sim, backend->sim->faults.short_waits))
        left = 1 + (uint32_t)plx__sim_chance(backend->sim, left);
    for (; left > 0; left--) {
        uint64_t any = plx__sim_chance(backend->sim, backend->ready_count);
        plx__sim_endpoint *front = backend->ready[any];
        list_remove(backend, front);
        list_add(backend, front, DUE);
    }
}

/* Has others run until the loop has something. */
static int until_ready(plx__backend *backend, uint64_t deadline_ns)
{
    plx_sim *sim = backend->sim;
    int status = 0;
    backend->member.is_waiting = true;
    while (status == 0 && !has_ready(backend) && !is_awake(backend) && sim->now_ns < deadline_ns) {
        uint64_t until_ns = deadline_ns;
        if (plx__atomic_load(&backend->is_woken) != 0 && backend->wake_ns < until_ns)
            until_ns = backend->wake_ns;
        status = plx__sim_step(sim, until_ns);
    }
    backend->member.is_waiting = false;
    if (status == PLX_EDEADLK && sim->sleeper == &backend->member) {
        sim->is_deadlocked = true; /* plx_sim_run() returns that, not the loop. */
        status = 0;
    }
    return status;
}

static int sim_wait(plx__backend *backend, uint64_t timeout_ns)
{
    plx_sim *sim = backend->sim;
    /* What is further than that never comes, as on a real clock. */
    uint64_t deadline_ns = timeout_ns < NEVER_NS ? sim->now_ns + timeout_ns : UINT64_MAX;
    plx__hook(PLX__HOOK_PREPARE);
    plx__sim_deferred_submit(backend);
    if (plx__fault_strikes(PLX__FAULT_WAIT))
        return PLX_ENOMEM;
    plx__hook(PLX__HOOK_SLEEP);
    backend->waits++;
    sim->now_ns += plx__sim_chance(sim, WAIT_NS);
    plx__sim_catch_up(sim);
    backend->member.is_busy = false;
    backend->member.is_waiting = true;
    plx__sim_turns(sim);
    backend->member.is_waiting = false;
    int status = until_ready(backend, deadline_ns);
    if (is_awake(backend)) {
        plx__atomic_store(&backend->is_woken, 0);
        backend->wake_ns = UINT64_MAX;
        plx__sim_tell(sim, "wake", backend->member.number, 0, 0);
    }
    ready_collect(backend);
    return status;
}

static void sim_wake(plx__backend *backend)
{
    plx__atomic_store(&backend->is_woken, 1);
}

/* --- opening and closing --------------------------------------------------------------------- */

static void sim_close(plx__backend *backend)
{
    plx_sim *sim = backend->sim;
    plx__sim_leave(sim, &backend->member);
    for (uint32_t i = 0; i < sim->sockets_count; i++) { /* In a child some are attached. */
        if (sim->sockets[i]->backend == backend)
            sim->sockets[i]->endpoint = NULL;
    }
    plx__free(backend->ready);
    plx__free(backend->due);
    plx__free(backend->deferred);
    plx__free(backend->buffer);
    plx__free(backend);
}

static int sim_open(plx__backend **backend_out, const plx__backend_config *config)
{
    plx_sim *sim = plx__sim_here();
    if (sim == NULL)
        return PLX_ENOSYS;
    plx__backend *backend = plx__allocate_zeroed(1, sizeof *backend);
    if (backend == NULL)
        return PLX_ENOMEM;
    backend->member = (plx__sim_member){.loop = config->loop, .due = backend_due};
    backend->sim = sim;
    backend->receive_bytes = config->receive_bytes;
    backend->may_defer = config->may_defer;
    backend->wake_ns = UINT64_MAX;
    backend->buffer = plx__allocate(config->receive_bytes);
    int status = backend->buffer != NULL ? plx__sim_join(sim, &backend->member) : PLX_ENOMEM;
    if (status != 0) {
        plx__free(backend->buffer);
        plx__free(backend);
        return status;
    }
    *backend_out = backend;
    return 0;
}

/* A simulation is one thread's. */
static int sim_own(plx__backend *backend)
{
    return backend->sim == plx__sim_here() ? 0 : PLX_EBUSY;
}

/* A child has a copy of all of it, and calls nobody. */
static void sim_abandon(plx__backend *backend)
{
    backend->sim->options.on_record = NULL;
    while (backend->deferred_count > 0) {
        plx__sim_endpoint *front = backend->deferred[backend->deferred_count - 1];
        front->is_lost = true;
        plx__sim_deferred_end(backend, front);
    }
    sim_close(backend);
}

static int sim_renew(plx__backend *backend)
{
    (void)backend;
    return 0;
}

_Static_assert(sizeof(plx__sim_endpoint) <= PLX__SIM_ENDPOINT_SIZE,
               "PLX__SIM_ENDPOINT_SIZE is in front of endpoints");

const plx__backend_ops plx__sim_backend = {
    .name = "sim",
    .host = &plx__sim_host,
    .deferred_max = PLX__SIM_DEFERRED_MAX,
    .needs = "a simulation that is open on the thread (plx_sim_open)",
    .endpoint_bytes = PLX__SIM_ENDPOINT_SIZE,
    .open = sim_open,
    .close = sim_close,
    .own = sim_own,
    .abandon = sim_abandon,
    .renew = sim_renew,
    .attach = sim_attach,
    .detach = sim_detach,
    .release = sim_release,
    .accept_start = sim_accept_start,
    .connect = sim_connect,
    .receive_start = sim_receive_start,
    .stop = sim_stop,
    .send = plx__sim_send_or_defer,
    .send_flush = plx__sim_send_flush,
    .send_start = sim_send_start,
    .watch = sim_watch,
    .wait = sim_wait,
    .next = sim_next,
    .wake = sim_wake,
};
