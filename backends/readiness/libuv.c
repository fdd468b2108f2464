/* backends/readiness/libuv.c - libuv as a poller, for comparison.
 *
 * One uv_poll_t for each socket, as libuv's documentation demands; it is made with the first
 * interest and lives on the heap, because uv_close() gives it back only in a later turn.
 *
 * On Windows libuv asks the driver about resets together with UV_READABLE only (src/win/poll.c):
 * while reading rests, because a connection is paused or its queue is high, a reset is noticed when
 * something is sent, when reading resumes, or by a timeout.
 */
#include <uv.h>

#include "backends/readiness/readiness.h"
#include "backends/registry.h"
#include "platform/fault.h"
#include "platform/hook.h"

/* On Windows libuv takes 128 events from the port in one pass (src/win/core.c, uv__poll). One that
 * brings so many sockets may have left some. */
#define PASS_MANY 64u

typedef struct uv_entry {
    uv_poll_t poll;
    plx__polled *polled; /* NULL once forgotten. */
    struct uv_entry *next_ready;
    struct uv_entry *next_started;
    uint32_t ready;
    bool is_started; /* Since the last wait: it stands in the poller's list of those. */
    bool is_stopped; /* By libuv, not by us. */
} uv_entry;

struct plx__backend {
    plx__readiness readiness; /* First. */
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uv_entry *ready_first; /* Each entry stands here at most once: `ready` is not 0 then. */
    uv_entry **ready_end;
    uv_entry *started_first;
    uint32_t brought; /* Entries that the last pass has added. */
};

static int code_of_uv(int uv_code)
{
#ifdef _WIN32
    switch (uv_code) {
    case UV_ENOMEM:
        return PLX_ENOMEM;
    case UV_EMFILE:
        return PLX_EMFILE;
    case UV_ENOTSOCK:
        return PLX_ENOTSOCK;
    case UV_EBADF:
        return PLX_EBADF;
    case UV_EEXIST:
        return PLX_EEXIST;
    default:
        return PLX_EUNKNOWN;
    }
#else
    return plx__fail(-uv_code); /* libuv's codes are negative errno values on Unix. */
#endif
}

static void entry_ready(plx__poller *poller, uv_entry *entry, uint32_t ready)
{
    if (entry->ready == 0) {
        entry->next_ready = NULL;
        *poller->ready_end = entry;
        poller->ready_end = &entry->next_ready;
        poller->brought++;
    }
    entry->ready |= ready;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    uv_entry *entry = (uv_entry *)poll->data;
    plx__poller *poller = (plx__poller *)poll->loop->data;
    uint32_t ready = 0;
    if (entry->polled == NULL)
        return;
    if (status != 0) {
        /* For an error on the socket libuv says UV_EBADF and stops the handle. Both, as with the
         * other pollers: by the time that it is delivered the interest may be another one. */
        ready = PLX_FAILED | PLX_READABLE | PLX_WRITABLE;
        entry->is_stopped = true;
    }
    if ((events & UV_READABLE) != 0)
        ready |= PLX_READABLE;
    if ((events & UV_WRITABLE) != 0)
        ready |= PLX_WRITABLE;
    if (ready != 0)
        entry_ready(poller, entry, ready);
}

/* Its descriptor is looked at before the next wait, in which libuv tells the kernel. */
static void started_note(uv_entry *entry)
{
    plx__poller *poller = (plx__poller *)entry->poll.loop->data;
    if (entry->is_started)
        return;
    entry->is_started = true;
    entry->next_started = poller->started_first;
    poller->started_first = entry;
}

static void on_wake(uv_async_t *async)
{
    (void)async; /* That the wait has ended is all. */
}

static void on_timeout(uv_timer_t *timer)
{
    /* uv_run() looks at timers before it waits, too. One that is due by then would leave nothing to
     * end the wait, were it not stopped here. */
    uv_stop(timer->loop);
}

static void on_entry_closed(uv_handle_t *handle)
{
    plx__free(handle->data);
}

static void ready_clear(plx__poller *poller)
{
    poller->ready_first = NULL;
    poller->ready_end = &poller->ready_first;
}

static void libuv_close(plx__poller *poller)
{
    uv_close((uv_handle_t *)&poller->async, NULL);
    uv_close((uv_handle_t *)&poller->timer, NULL);
    while (uv_loop_close(&poller->loop) == UV_EBUSY)
        (void)uv_run(&poller->loop, UV_RUN_ONCE);
    plx__readiness_close(poller);
}

#ifndef _WIN32
/* What uv_loop_fork() of 1.44 leaves out: with a wake that was being sent, each later one would be
 * taken for sent as well, and closing the handle would wait for the sender (uv__async_spin). Later
 * versions do the same (src/unix/async.c, uv__async_fork). Nothing is changed but the child's own:
 * uv_loop_fork() closes its copy of the epoll set before it touches a watcher. */
static int loop_fork(plx__poller *poller)
{
    poller->async.pending = 0;
    int status = uv_loop_fork(&poller->loop);
    return status == 0 ? 0 : code_of_uv(status);
}

static void on_abandoned(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle))
        uv_close(handle, handle->type == UV_POLL ? on_entry_closed : NULL);
}

/* Without descriptors or memory for a set of the child's own, nothing can be closed without being
 * removed from the parent's: all of it stays with the child. */
static void libuv_abandon(plx__poller *poller)
{
    if (loop_fork(poller) != 0)
        return;
    uv_walk(&poller->loop, on_abandoned, NULL);
    while (uv_loop_close(&poller->loop) == UV_EBUSY)
        (void)uv_run(&poller->loop, UV_RUN_ONCE);
    plx__readiness_close(poller);
}

/* libuv registers all sockets anew at its next wait, and aborts if the kernel refuses one. */
static void on_renewed(uv_handle_t *handle, void *data)
{
    (void)data;
    if (handle->type == UV_POLL && !uv_is_closing(handle) && uv_is_active(handle))
        started_note((uv_entry *)handle->data);
}

static int libuv_renew(plx__poller *poller)
{
    int status = loop_fork(poller);
    if (status == 0)
        uv_walk(&poller->loop, on_renewed, NULL);
    return status;
}
#endif

static uv_entry *entry_open(plx__poller *poller, plx__polled *polled, int *status_out)
{
    uv_entry *entry = plx__allocate_zeroed(1, sizeof *entry);
    if (entry == NULL) {
        *status_out = PLX_ENOMEM;
        return NULL;
    }
    int status =
        uv_poll_init_socket(&poller->loop, &entry->poll, plx__polled_endpoint(polled)->socket);
    if (status != 0) {
        plx__free(entry);
        *status_out = code_of_uv(status);
        return NULL;
    }
    entry->poll.data = entry;
    entry->polled = polled;
    polled->slot.handle = entry;
    return entry;
}

/* libuv tells the kernel with the next wait, and aborts the process when the kernel refuses a
 * descriptor. So it is looked at here, and once more before that wait. */
static int entry_check(const uv_entry *entry)
{
    return plx__socket_check(plx__polled_endpoint(entry->polled)->socket);
}

static int entry_start(uv_entry *entry, uint32_t interest)
{
    int events = 0;
    if ((interest & PLX_READABLE) != 0)
        events |= UV_READABLE;
    if ((interest & PLX_WRITABLE) != 0)
        events |= UV_WRITABLE;
    int status = entry_check(entry);
    if (status != 0)
        return status;
    status = uv_poll_start(&entry->poll, events, on_ready);
    if (status != 0)
        return code_of_uv(status);
    started_note(entry);
    return 0;
}

/* Returns whether the descriptor of one is closed by now. */
static bool started_check(plx__poller *poller)
{
    bool has_failed = false;
    for (uv_entry *entry = poller->started_first; entry != NULL; entry = entry->next_started) {
        entry->is_started = false;
        if (entry->polled == NULL || entry->polled->interest == 0 || entry_check(entry) == 0)
            continue;
        (void)uv_poll_stop(&entry->poll);
        entry->is_stopped = true;
        entry_ready(poller, entry, PLX_FAILED);
        has_failed = true;
    }
    poller->started_first = NULL;
    return has_failed;
}

static int libuv_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    uv_entry *entry = polled->slot.handle;
    int status = 0;
    if (entry == NULL)
        entry = entry_open(poller, polled, &status);
    if (entry == NULL)
        return status;
    entry->is_stopped = false;
    if (interest != 0)
        return entry_start(entry, interest);
    (void)uv_poll_stop(&entry->poll);
    return 0;
}

static void libuv_forget(plx__poller *poller, plx__polled *polled)
{
    uv_entry *entry = polled->slot.handle;
    (void)poller;
    if (entry == NULL)
        return;
    entry->polled = NULL;
    polled->slot.handle = NULL;
    uv_close((uv_handle_t *)&entry->poll, on_entry_closed);
}

/* Passes until one brings few that those before it did not: all that are ready are told in each
 * turn. One that is ready again meanwhile stands in the list already. */
static void pass_run(plx__poller *poller, uv_run_mode mode)
{
    poller->brought = 0;
    (void)uv_run(&poller->loop, mode);
#ifdef _WIN32
    while (poller->brought >= PASS_MANY) {
        poller->brought = 0;
        (void)uv_run(&poller->loop, UV_RUN_NOWAIT);
    }
#endif
}

static int libuv_wait(plx__poller *poller, uint64_t timeout_ns)
{
    plx__readiness_turn(&poller->readiness);
    ready_clear(poller);
    plx__hook(PLX__HOOK_PREPARE);
    if (plx__fault_strikes(PLX__FAULT_WAIT)) /* uv_run() itself does not fail. */
        return PLX_ENOMEM;
    if (started_check(poller) || timeout_ns == 0) {
        pass_run(poller, UV_RUN_NOWAIT);
        return 0;
    }
    if (timeout_ns != PLX_FOREVER) {
        uint64_t milliseconds = timeout_ns / PLX_MILLISECOND + (timeout_ns % PLX_MILLISECOND != 0);
        uv_update_time(&poller->loop);
        (void)uv_timer_start(&poller->timer, on_timeout, milliseconds, 0);
    }
    plx__hook(PLX__HOOK_SLEEP);
    pass_run(poller, UV_RUN_ONCE);
    (void)uv_timer_stop(&poller->timer);
    return 0;
}

/* An entry that libuv stopped goes on, as a poller's would. */
static uint32_t entry_restart(uv_entry *entry, uint32_t ready)
{
    entry->is_stopped = false;
    if (entry->polled->interest == 0 || entry_start(entry, entry->polled->interest) == 0)
        return ready;
    return PLX_FAILED;
}

static size_t libuv_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    size_t count = 0;
    while (count < max && poller->ready_first != NULL) {
        uv_entry *entry = poller->ready_first;
        uint32_t ready = entry->ready;
        poller->ready_first = entry->next_ready;
        entry->ready = 0;
        if (entry->polled == NULL)
            continue; /* Forgotten meanwhile. */
        events[count].polled = entry->polled;
        events[count].ready = entry->is_stopped ? entry_restart(entry, ready) : ready;
        count++;
    }
    return count;
}

static void libuv_wake(plx__poller *poller)
{
    (void)uv_async_send(&poller->async);
}

/* On failure nothing of it is left. */
static int loop_open(plx__poller *poller)
{
    int status = uv_loop_init(&poller->loop);
    if (status != 0)
        return code_of_uv(status);
    poller->loop.data = poller;
    (void)uv_timer_init(&poller->loop, &poller->timer); /* Never fails, says its documentation. */
    status = uv_async_init(&poller->loop, &poller->async, on_wake);
    if (status == 0)
        return 0;
    uv_close((uv_handle_t *)&poller->timer, NULL);
    (void)uv_run(&poller->loop, UV_RUN_NOWAIT);
    (void)uv_loop_close(&poller->loop);
    return code_of_uv(status);
}

static int libuv_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {libuv_set, libuv_forget, libuv_collect};
    plx__poller *poller;
    int status = plx__readiness_open(&poller, sizeof *poller, config, &ops);
    if (status != 0)
        return status;
    ready_clear(poller);
    status = loop_open(poller);
    if (status == 0)
        *poller_out = poller;
    else
        plx__readiness_close(poller);
    return status;
}

const plx__backend_ops plx__libuv_backend = {
    .name = "libuv",
    .open = libuv_open,
    .close = libuv_close,
#ifndef _WIN32
    .abandon = libuv_abandon,
    .renew = libuv_renew,
#endif
    .wait = libuv_wait,
    .wake = libuv_wake,
    PLX__READINESS,
};
