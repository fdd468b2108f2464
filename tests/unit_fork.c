/* tests/unit_fork.c - parts that a forked child uses. */
#include <pollux/signal.h>

#include "backends/backend.h"
#include "backends/settings.h"
#include "core/post_waiters.h"
#include "tests/child.h"
#include "tests/seam.h"

extern const test_case unit_fork_cases[];

static void run_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)status;
    ++*(size_t *)data;
}

static void push(plx__post_queue *queue, size_t *count)
{
    ck_ok(plx__post_queue_push(queue, (plx__post){.run = run_post, .data = count}));
}

/* What a thread does that claims a cell, and is gone before it fills it in. */
static void claim(plx__post_queue *queue)
{
    (void)plx__atomic_add(&queue->filling, 1);
}

static uint32_t run_all(plx__post_queue *queue)
{
    plx__post post;
    uint32_t ran = 0;
    plx__post_queue_take(queue);
    for (; plx__post_queue_pop(queue, &post); ran++)
        post.run(NULL, post.data, 0);
    return ran;
}

/* In the batch that is being run, and in the one that is being filled. */
static void posts_that_were_never_made_are_passed_over(world *w)
{
    plx__post_queue queue;
    plx__post post;
    size_t count = 0;
    (void)w;
    ck_ok(plx__post_queue_init(&queue, 8));
    push(&queue, &count);
    claim(&queue);
    push(&queue, &count);
    plx__post_queue_take(&queue);
    ck_assert(plx__post_queue_pop(&queue, &post)); /* A fork in this one: */
    ck_assert(!plx__post_queue_pop(&queue, &post));
    claim(&queue);
    push(&queue, &count);
    plx__post_queue_renew(&queue);
    ck_assert_uint_eq(run_all(&queue), 2);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(run_all(&queue), 2);
    ck_assert_uint_eq(count, 2);
    ck_assert(plx__post_queue_is_empty(&queue));
    push(&queue, &count);
    ck_assert_uint_eq(run_all(&queue), 1);
    ck_assert_uint_eq(count, 3);
    plx__post_queue_close(&queue);
}

/* More were claimed than there are cells: those threads were about to be refused. */
static void full_queue_is_renewed(world *w)
{
    plx__post_queue queue;
    size_t count = 0;
    (void)w;
    ck_ok(plx__post_queue_init(&queue, 2));
    push(&queue, &count);
    for (int i = 0; i < 3; i++)
        claim(&queue);
    plx__post_queue_renew(&queue);
    ck_assert_uint_eq(run_all(&queue), 2);
    ck_assert_uint_eq(count, 1);
    ck_assert(plx__post_queue_is_empty(&queue));
    plx__post_queue_close(&queue);
}

static void wait_for_room(plx__post_waiters *waiters, size_t *count)
{
    ck_ok(plx__post_waiters_add(waiters, (plx__post){.run = run_post, .data = count}));
}

static void take_and_check(plx__post_waiters *waiters, const size_t *count)
{
    plx__post waiter;
    ck_assert(plx__post_waiters_take(waiters, &waiter));
    ck_assert_ptr_eq(waiter.data, count);
}

/* A thread had the lock, and had done the first of the steps in which it adds itself. */
static void list_of_waiting_posters_is_renewed(world *w)
{
    plx__post_waiters waiters;
    plx__post waiter;
    size_t counts[3] = {0};
    (void)w;
    for (size_t before = 0; before < 3; before++) {
        plx__post_waiters_init(&waiters);
        for (size_t i = 0; i < before; i++)
            wait_for_room(&waiters, &counts[i]);
        plx__post_waiters torn = waiters;
        bool was_empty = waiters.first == NULL;
        wait_for_room(&waiters, &counts[before]);
        waiters.end = was_empty ? &waiters.first : torn.end;
        waiters.count = torn.count;
        plx__atomic_store(&waiters.lock, 1);
        plx__post_waiters_renew(&waiters);
        ck_assert_uint_eq(plx__atomic_load(&waiters.count), before + 1);
        for (size_t i = 0; i <= before; i++)
            take_and_check(&waiters, &counts[i]);
        ck_assert(!plx__post_waiters_take(&waiters, &waiter));
        wait_for_room(&waiters, &counts[0]);
        take_and_check(&waiters, &counts[0]);
        ck_assert_uint_eq(plx__atomic_load(&waiters.count), 0);
        plx__post_waiters_close(&waiters);
    }
}

typedef struct locker {
    plx__mutex mutex;
    bool has_locked;
} locker;

static void try_lock(void *data)
{
    locker *l = data;
    l->has_locked = plx__mutex_try(&l->mutex);
    if (l->has_locked)
        plx__mutex_unlock(&l->mutex);
}

static bool other_thread_can_lock(locker *l)
{
    plx__thread thread;
    ck_ok(plx__thread_start(&thread, try_lock, l));
    plx__thread_join(&thread);
    return l->has_locked;
}

static void locked_mutex_is_not_waited_for(world *w)
{
    locker l;
    (void)w;
    plx__mutex_open(&l.mutex);
    ck_assert(other_thread_can_lock(&l));
    plx__mutex_lock(&l.mutex);
    ck_assert(!other_thread_can_lock(&l));
    plx__mutex_unlock(&l.mutex);
    ck_assert(plx__mutex_try(&l.mutex));
    ck_assert(!other_thread_can_lock(&l));
    plx__mutex_unlock(&l.mutex);
    plx__mutex_close(&l.mutex);
}

typedef struct handling {
    plx__signal_listener listener;
    plx__atomic_u32 is_inside;
    plx__atomic_u32 may_leave;
    uint32_t forks;
    int result;
} handling;

static void stay_inside(void *data)
{
    handling *h = data;
    plx__atomic_store(&h->is_inside, 1);
    while (plx__atomic_load(&h->may_leave) == 0)
        plx__thread_yield();
}

static void fork_meanwhile(void *data)
{
    handling *h = data;
    while (plx__atomic_load(&h->is_inside) == 0)
        plx__thread_yield();
    if (plx__test_fork() == 0) {
        plx__signal_remove(&h->listener, PLX__SIGNAL_USER2);
        plx__test_report(plx__forks() == h->forks + 1 ? CHILD_IS_GOOD : 1);
    }
    h->result = plx__test_fork_join();
    plx__atomic_store(&h->may_leave, 1);
}

/* A thread is in the signal handler when another one forks a child, which has no such thread: the
 * child does not wait for it to leave. */
static void handlers_of_other_threads_are_not_waited_for(world *w)
{
    handling h = {.result = -1};
    plx__thread thread;
    if (!child_is_possible(w) || !child_may_have_threads())
        return;
    ck_ok(plx__forks_watch());
    h.forks = plx__forks();
    plx__signal_listener_init(&h.listener, stay_inside, &h);
    ck_ok(plx__signal_add(&h.listener, PLX__SIGNAL_USER2));
    ck_ok(plx__thread_start(&thread, fork_meanwhile, &h));
    ck_ok(plx__test_signal(PLX_SIGNAL_USER2)); /* Returns when the handler has left. */
    plx__thread_join(&thread);
    ck_assert_int_eq(h.result, CHILD_IS_GOOD);
    ck_assert_uint_eq(plx__forks(), h.forks);
    plx__signal_remove(&h.listener, PLX__SIGNAL_USER2);
}

static void count_opening(void *data, plx_socket descriptor)
{
    ck_assert(descriptor != PLX_SOCKET_NONE);
    ++*(size_t *)data;
}

/* The wake has another number than before, and the old number is somebody else's. */
static void check_renewed(const plx__backend_ops *ops)
{
    size_t opened = 0;
    const uint64_t settings[] = {[PLX__POLL_IDLE_SET] = PLX_OFF,
                                 [PLX__POLL_IDLE_SET_MIN] = 1,
                                 [PLX__POLL_IDLE_AFTER_NS] = PLX_SECOND};
    plx__backend_report report = {.due_ns = UINT64_MAX};
    const plx__backend_config config = {
        .receive_bytes = 64,
        .report = &report,
        .settings = settings,
        .openings = {.on_open = count_opening, .data = &opened},
    };
    plx__backend *backend;
    plx__wake lower, other;
    ck_ok(plx__wake_open(&lower));
    ck_ok(ops->open(&backend, &config));
    plx__wake_close(&lower);
    opened = 0;
    ck_ok(ops->renew(backend));
    ck_assert_uint_eq(opened, 2); /* What is read from, and what is written to. */
    ck_ok(plx__wake_open(&other));
    ops->wake(backend);
    uint64_t until = plx__clock_now() + patience();
    ck_ok(ops->wait(backend, patience()));
    ck_assert_uint_lt(plx__clock_now(), until);
    ck_assert_ptr_null(ops->next(backend));
    ops->close(backend);
    plx__wake_close(&other);
}

/* A child's poller waits for the child's wake, and names it to who looks after the numbers. */
static void renewed_poller_waits_for_its_own_wake(world *w)
{
    static const char *const names[] = {"poll", "select", "epoll"};
    (void)w;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const plx__backend_ops *ops = plx__backend_find(names[i]);
        if (ops != NULL)
            check_renewed(ops);
    }
}

/* plx_loop_abandon() frees the loop of a backend that has no `abandon`, too. */
static void loop_goes_whose_backend_cannot_abandon(world *w)
{
    plx_loop *loop = seam_loop_open(w);
    seam.abandon = NULL;
    if (child_is_possible(w)) {
        if (child_fork()) {
            plx_loop_abandon(loop);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
    }
    ck_ok(plx_loop_close(loop));
}

const test_case unit_fork_cases[] = {
    CASE(posts_that_were_never_made_are_passed_over),   CASE(full_queue_is_renewed),
    CASE(list_of_waiting_posters_is_renewed),           CASE(locked_mutex_is_not_waited_for),
    CASE(handlers_of_other_threads_are_not_waited_for), CASE(renewed_poller_waits_for_its_own_wake),
    CASE(loop_goes_whose_backend_cannot_abandon),       CASES_END,
};
