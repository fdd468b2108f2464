/* tests/behavior_room.c - posters that are refused, and told when the queue has room again. */
#include "core/loop.h"
#include "platform/test_system.h"
#include "tests/child.h"
#include "tests/harness.h"

extern const test_case behavior_room_cases[];

enum { CAPACITY = 8 };

/* What posts and calls of on_room write down. */
typedef struct record {
    size_t posts;
    size_t told;
    size_t posts_when_told; /* The last time. */
    size_t refill;          /* How many posts the next one of either makes. */
    int status;             /* Of the last call of on_room. */
    uint64_t tick;          /* The turn of it. */
} record;

static void run_post(plx_loop *loop, void *data, int status);

static void refill(plx_loop *loop, record *r)
{
    for (; r->refill > 0; r->refill--)
        ck_ok(plx_post(loop, run_post, r));
}

static void run_post(plx_loop *loop, void *data, int status)
{
    record *r = data;
    r->posts++;
    if (status == 0)
        refill(loop, r);
}

static void on_room(plx_loop *loop, void *data, int status)
{
    record *r = data;
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    r->told++;
    r->posts_when_told = r->posts;
    r->status = status;
    r->tick = stats.ticks;
    if (status == 0)
        refill(loop, r);
}

/* A loop whose queue is full, and who is refused. */
static void queue_fill(world *w, record *r)
{
    world_reopen(w, (plx_loop_options){.posts_max = CAPACITY});
    for (int i = 0; i < CAPACITY; i++)
        ck_ok(plx_post(w->loop, run_post, r));
    ck_assert_int_eq(plx_post(w->loop, run_post, r), PLX_ENOBUFS);
}

/* Once, on the loop's thread and not from within the call, when what was queued has run. */
static void refused_poster_is_told(world *w)
{
    record r = {0};
    queue_fill(w, &r);
    ck_ok(plx_post_notify(w->loop, on_room, &r));
    ck_assert_uint_eq(r.told, 0);
    turn_until(w, &r.told, 1);
    ck_ok(r.status);
    ck_assert_uint_eq(r.posts_when_told, CAPACITY);
    for (int i = 0; i < CAPACITY / 2; i++)
        ck_ok(plx_post(w->loop, run_post, &r));
    turn_some(w);
    ck_assert_uint_eq(r.told, 1);
    ck_assert_uint_eq(counter(w, posts_run), CAPACITY + CAPACITY / 2);
    ck_assert_int_eq(plx_post_notify(w->loop, NULL, &r), PLX_EINVAL);
}

/* With room from the beginning it is told in the next turn, for which a run does not end. No post
 * of the user's has run. */
static void room_from_the_beginning_is_told(world *w)
{
    record r = {0};
    for (size_t i = 1; i <= 3; i++) {
        ck_ok(plx_post_notify(w->loop, on_room, &r));
        ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0);
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(r.told, i);
        ck_ok(r.status);
    }
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    ck_assert_uint_eq(counter(w, posts_run), 0);
}

/* More than half of the queue in use is no room; half is. */
static void room_is_half_of_the_queue(world *w)
{
    for (size_t more = 0; more <= CAPACITY; more++) {
        record r = {.refill = more};
        queue_fill(w, &r);
        ck_ok(plx_post_notify(w->loop, on_room, &r));
        turn_until(w, &r.told, 1);
        bool had_room = more <= CAPACITY / 2;
        ck_assert_uint_eq(r.posts_when_told, CAPACITY + (had_room ? 0 : more));
        turn_until(w, &r.posts, CAPACITY + more);
    }
}

enum { WAITERS = 5 };

typedef struct waiting {
    record *shared;
    size_t order; /* When it was told, from 1 on. */
    size_t posts_when_told;
} waiting;

/* Each uses all of the room. */
static void note_order(plx_loop *loop, void *data, int status)
{
    waiting *one = data;
    ck_ok(status);
    one->order = ++one->shared->told;
    one->posts_when_told = one->shared->posts;
    for (int i = 0; i <= CAPACITY / 2; i++)
        ck_ok(plx_post(loop, run_post, one->shared));
}

/* Who waits is told in turn, and not while the room is used up by those before. */
static void waiting_posters_are_told_in_their_order(world *w)
{
    record r = {0};
    waiting all[WAITERS];
    queue_fill(w, &r);
    for (int i = 0; i < WAITERS; i++) {
        all[i] = (waiting){.shared = &r};
        ck_ok(plx_post_notify(w->loop, note_order, &all[i]));
    }
    turn_until(w, &r.told, WAITERS);
    for (size_t i = 0; i < WAITERS; i++) {
        ck_assert_uint_eq(all[i].order, i + 1);
        ck_assert_uint_eq(all[i].posts_when_told, CAPACITY + i * (CAPACITY / 2 + 1));
    }
    turn_until(w, &r.posts, CAPACITY + WAITERS * (CAPACITY / 2 + 1));
}

static void wait_again(plx_loop *loop, void *data, int status)
{
    record *r = data;
    uint64_t before = r->tick;
    on_room(loop, r, status);
    ck_assert_uint_ne(r->tick, before);
    if (r->told < 1000)
        ck_ok(plx_post_notify(loop, wait_again, r));
}

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* One that asks again in on_room is told in a later turn, so that it cannot hold the loop. */
static void asking_again_takes_a_turn(world *w)
{
    record r = {0};
    size_t fired = 0;
    plx_timer timer;
    ck_ok(plx_timer_start(w->loop, &timer, 0, 1, count_fire, &fired));
    ck_ok(plx_post_notify(w->loop, wait_again, &r));
    turn_until(w, &r.told, 1000);
    ck_assert_uint_gt(fired, 0);
    ck_ok(plx_timer_cancel(w->loop, timer));
}

static void ask_when_cancelled(plx_loop *loop, void *data, int status)
{
    on_room(loop, data, status);
    ck_assert_int_eq(plx_post_notify(loop, on_room, data), PLX_ECANCELED);
    ck_assert_int_eq(plx_post(loop, run_post, data), PLX_ECANCELED);
}

/* A loop that closes tells all who wait, and nobody can wait any more. */
static void closing_loop_tells_who_waits(world *w)
{
    record r = {0};
    queue_fill(w, &r);
    for (int i = 0; i < WAITERS; i++)
        ck_ok(plx_post_notify(w->loop, ask_when_cancelled, &r));
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(r.told, WAITERS);
    ck_assert_int_eq(r.status, PLX_ECANCELED);
    ck_assert_uint_eq(r.posts, CAPACITY);
}

/* Without memory it says so, and calls nobody. */
static void waiting_takes_memory(world *w)
{
    record r = {0};
    queue_fill(w, &r);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    int status = plx_post_notify(w->loop, on_room, &r);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_int_eq(status, PLX_ENOMEM);
    turn_some(w);
    ck_assert_uint_eq(r.told, 0);
    ck_assert_uint_eq(r.posts, CAPACITY);
}

/* --- from other threads ------------------------------------------------------------------------
 */

enum { THREADS = 4, POSTS_EACH = 5000 };

typedef struct poster {
    plx_loop *loop;
    plx__thread thread;
    plx__mutex mutex;
    plx__condition condition;
    bool has_room;
    size_t seen; /* How many of its posts have run; the loop's thread's. */
    size_t refused;
    int failure;
} poster;

static size_t posts_seen;

static void see_posted(plx_loop *loop, void *data, int status)
{
    poster *p = data;
    (void)loop;
    ck_ok(status);
    p->seen++;
    posts_seen++;
}

static void let_go(plx_loop *loop, void *data, int status)
{
    poster *p = data;
    (void)loop;
    ck_ok(status);
    plx__mutex_lock(&p->mutex);
    p->has_room = true;
    plx__condition_signal(&p->condition);
    plx__mutex_unlock(&p->mutex);
}

/* Waits until it is told, without trying in between. */
static int room_wait(poster *p)
{
    bool is_told = true;
    p->refused++;
    p->has_room = false;
    int status = plx_post_notify(p->loop, let_go, p);
    if (status != 0)
        return status;
    plx__mutex_lock(&p->mutex);
    while (!p->has_room && is_told)
        is_told = plx__condition_wait(&p->condition, &p->mutex, patience());
    plx__mutex_unlock(&p->mutex);
    return is_told ? 0 : PLX_ETIMEDOUT;
}

static void post_many(void *data)
{
    poster *p = data;
    for (size_t i = 0; i < POSTS_EACH && p->failure == 0; i++) {
        int status;
        while ((status = plx_post(p->loop, see_posted, p)) == PLX_ENOBUFS && p->failure == 0)
            p->failure = room_wait(p);
        if (status != 0 && p->failure == 0)
            p->failure = status;
    }
}

static void posters_start(world *w, poster *posters)
{
    posts_seen = 0;
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (poster){.loop = w->loop};
        plx__mutex_open(&posters[i].mutex);
        plx__condition_open(&posters[i].condition);
        ck_ok(plx__thread_start(&posters[i].thread, post_many, &posters[i]));
    }
}

static size_t posters_join(poster *posters)
{
    size_t refused = 0;
    for (int i = 0; i < THREADS; i++) {
        plx__thread_join(&posters[i].thread);
        ck_ok(posters[i].failure);
        ck_assert_uint_eq(posters[i].seen, POSTS_EACH);
        refused += posters[i].refused;
        plx__mutex_close(&posters[i].mutex);
        plx__condition_close(&posters[i].condition);
    }
    return refused;
}

/* Threads post through a queue much smaller than what they have, and sleep whenever it is full: all
 * is delivered. The loop, too, waits without limit when it has nothing to do. */
static void posters_sleep_until_there_is_room(world *w)
{
    poster posters[THREADS];
    world_reopen(w, (plx_loop_options){.posts_max = CAPACITY});
    posters_start(w, posters);
    uint64_t until = net_now() + patience();
    while (posts_seen < (size_t)THREADS * POSTS_EACH) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(w->loop, patience()));
    }
    size_t refused = posters_join(posters);
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_eq(counter(w, posts_run), THREADS * POSTS_EACH);
    turn_some(w);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
}

static void notify_from_elsewhere(void *data)
{
    poster *p = data;
    p->failure = plx_post_notify(p->loop, let_go, p);
}

/* A loop that waits without limit is woken by a thread that asks. */
static void asking_wakes_a_waiting_loop(world *w)
{
    poster p = {.loop = w->loop};
    plx__mutex_open(&p.mutex);
    plx__condition_open(&p.condition);
    for (int i = 0; i < 50; i++) {
        p.has_room = false;
        ck_ok(plx__thread_start(&p.thread, notify_from_elsewhere, &p));
        while (!p.has_room) /* on_room is called by this thread. */
            ck_ok(plx_loop_run_once(w->loop, patience()));
        plx__thread_join(&p.thread);
        ck_ok(p.failure);
    }
    plx__mutex_close(&p.mutex);
    plx__condition_close(&p.condition);
}

/* A child that goes on with the loop tells who waits there; one that drops it does not. */
static void waiting_posters_in_a_child(world *w)
{
    for (int drops = 0; child_is_possible(w) && drops < 2; drops++) {
        record r = {0};
        ck_ok(plx_loop_close(w->loop));
        w->loop = NULL;
        uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
        queue_fill(w, &r);
        ck_ok(plx_post_notify(w->loop, on_room, &r));
        ck_ok(plx_post_notify(w->loop, on_room, &r));
        if (child_fork()) {
            /* "uring" can tell that the parent is still there. */
            if (drops || plx_loop_after_fork(w->loop) == PLX_EBUSY) {
                plx_loop_abandon(w->loop);
                ck_assert_uint_eq(r.told, 0);
                if (plx__backend_find(w->backend)->abandon != NULL)
                    ck_assert_uint_eq(plx__fault_held(PLX__FAULT_MEMORY), memory);
                plx__test_report(CHILD_IS_GOOD);
            }
            turn_until(w, &r.told, 2);
            ck_assert_uint_eq(r.posts, CAPACITY);
            ck_ok(plx_post_notify(w->loop, on_room, &r));
            turn_until(w, &r.told, 3);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        turn_until(w, &r.told, 2);
    }
}

/* A thread had put itself among those who wait when the child was forked, and had not woken the
 * loop. The child has no such thread. */
static void waiting_poster_without_its_thread_is_told(world *w)
{
    record r = {0};
    if (!child_is_possible(w))
        return;
    ck_ok(plx__post_waiters_add(&w->loop->post_waiters, (plx__post){.run = on_room, .data = &r}));
    if (child_fork()) {
        if (plx_loop_after_fork(w->loop) == PLX_EBUSY)
            plx_loop_abandon(w->loop);
        else
            turn_until(w, &r.told, 1);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    plx__room_look(w->loop);
    turn_until(w, &r.told, 1);
}

const test_case behavior_room_cases[] = {
    CASE(refused_poster_is_told),
    CASE(room_from_the_beginning_is_told),
    CASE(room_is_half_of_the_queue),
    CASE(waiting_posters_are_told_in_their_order),
    CASE(asking_again_takes_a_turn),
    CASE(closing_loop_tells_who_waits),
    CASE(waiting_takes_memory),
    CASE(posters_sleep_until_there_is_room),
    CASE(asking_wakes_a_waiting_loop),
    CASE(waiting_posters_in_a_child),
    CASE(waiting_poster_without_its_thread_is_told),
    CASES_END,
};
