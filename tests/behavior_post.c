/* tests/behavior_post.c - functions and stops from other threads, and signals. */
#include <signal.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_post_cases[];

static void count_run(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

/* A post runs once, in a turn of the loop. */
static void post_runs(world *w)
{
    size_t count = 0;
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    ck_ok(plx_post(w->loop, count_run, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0);
    ck_ok(plx_loop_run(w->loop)); /* Ends by itself when the post has run. */
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(plx_post(w->loop, NULL, NULL), PLX_EINVAL);
}

enum { THREADS = 4, POSTS_EACH = 25000 };

typedef struct poster {
    plx_loop *loop;
    size_t seen; /* How many of its posts have run; the loop's thread's. */
    int failure;
} poster;

typedef struct posted {
    poster *owner;
    size_t number;
} posted;

static posted all_posted[THREADS][POSTS_EACH];
static size_t posts_seen;

static void see_posted(plx_loop *loop, void *data, int status)
{
    posted *p = data;
    (void)loop;
    ck_ok(status);
    ck_assert_uint_eq(p->number, p->owner->seen);
    p->owner->seen++;
    posts_seen++;
}

static void post_many(void *data)
{
    poster *p = data;
    posted *mine = all_posted[p->failure]; /* Holds the thread's number until it is known. */
    p->failure = 0;
    for (size_t i = 0; i < POSTS_EACH; i++) {
        mine[i] = (posted){.owner = p, .number = i};
        int status;
        while ((status = plx_post(p->loop, see_posted, &mine[i])) == PLX_ENOBUFS)
            plx__thread_yield();
        if (status != 0)
            p->failure = status;
    }
}

/* Four threads, 25,000 posts each, through a queue of 4,096: none is lost, none runs twice, and
 * those of one thread run in their order. */
static void posts_from_four_threads(world *w)
{
    poster posters[THREADS];
    plx__thread threads[THREADS];
    posts_seen = 0;
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (poster){.loop = w->loop, .failure = i};
        ck_ok(plx__thread_start(&threads[i], post_many, &posters[i]));
    }
    turn_until(w, &posts_seen, THREADS * POSTS_EACH);
    for (int i = 0; i < THREADS; i++) {
        plx__thread_join(&threads[i]);
        ck_ok(posters[i].failure);
        ck_assert_uint_eq(posters[i].seen, POSTS_EACH);
    }
    ck_assert_uint_eq(counter(w, posts_run), THREADS * POSTS_EACH);
}

/* A full queue says so, and nothing that is in it is lost. */
static void posts_are_bounded(world *w)
{
    size_t count = 0;
    world_reopen(w, (plx_loop_options){.posts_max = 8});
    for (int i = 0; i < 8; i++)
        ck_ok(plx_post(w->loop, count_run, &count));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(plx_post(w->loop, count_run, &count), PLX_ENOBUFS);
    turn_until(w, &count, 8);
    ck_ok(plx_post(w->loop, count_run, &count));
    turn_until(w, &count, 9);
}

typedef struct repost {
    size_t count;
    uint64_t turn;
} repost;

static void post_again(plx_loop *loop, void *data, int status)
{
    repost *r = data;
    ck_ok(status);
    if (++r->count < 1000)
        ck_ok(plx_post(loop, post_again, r));
}

/* Posts that post again cannot hold the loop: it turns among them. */
static void posts_that_post_do_not_hold_the_loop(world *w)
{
    repost r = {0};
    ck_ok(plx_post(w->loop, post_again, &r));
    uint64_t before = counter(w, ticks);
    turn_until(w, &r.count, 1000);
    ck_assert_uint_ge(counter(w, ticks) - before, 2);
}

static void post_one(void *data)
{
    poster *p = data;
    p->failure = plx_post(p->loop, count_run, &posts_seen);
}

/* A loop that waits without limit is woken by a post of another thread. */
static void post_wakes_a_waiting_loop(world *w)
{
    for (size_t round = 1; round <= 50; round++) {
        poster p = {.loop = w->loop};
        plx__thread thread;
        posts_seen = 0;
        ck_ok(plx__thread_start(&thread, post_one, &p));
        while (posts_seen == 0)
            ck_ok(plx_loop_run_once(w->loop, patience()));
        plx__thread_join(&thread);
        ck_ok(p.failure);
    }
}

static void stop_it(void *data)
{
    plx_loop_stop(data);
}

/* Another thread stops a loop that waits without limit. A stop before the run makes it return at
 * once, and counts for one run only. */
static void stop_from_another_thread(world *w)
{
    plx__thread thread;
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    for (int round = 0; round < 20; round++) {
        ck_ok(plx__thread_start(&thread, stop_it, w->loop));
        ck_ok(plx_loop_run(w->loop));
        plx__thread_join(&thread);
    }
    uint64_t before = counter(w, ticks);
    plx_loop_stop(w->loop);
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_eq(counter(w, ticks), before);
}

/* --- signals -----------------------------------------------------------------------------------
 */

typedef struct heard {
    size_t count;
    int number;
} heard;

static void hear(plx_loop *loop, plx_signal signal, void *data, int number)
{
    heard *h = data;
    (void)loop;
    (void)signal;
    h->count++;
    h->number = number;
}

/* Ctrl-C comes as a callback, to every subscription of every loop, and not to one that has closed.
 */
static void interrupt_is_delivered(world *w)
{
    heard first = {0};
    heard second = {0};
    heard never = {0};
    plx_signal gone;
    plx_loop *other = world_loop_open(w);
    ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_INTERRUPT, hear, &first));
    ck_ok(plx_signal_open(w->loop, &gone, PLX_SIGNAL_INTERRUPT, hear, &never));
    ck_ok(plx_signal_open(other, NULL, PLX_SIGNAL_INTERRUPT, hear, &second));
    ck_ok(plx_signal_close(w->loop, gone));
    ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
    turn_until(w, &first.count, 1);
    ck_assert_int_eq(first.number, PLX_SIGNAL_INTERRUPT);
    uint64_t until = net_now() + patience();
    while (second.count == 0) {
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(other, PLX_MILLISECOND));
    }
    ck_assert_uint_eq(never.count, 0);
    ck_ok(plx_loop_close(other));
}

static void close_when_heard(plx_loop *loop, plx_signal signal, void *data, int number)
{
    hear(loop, signal, data, number);
    ck_ok(plx_signal_close(loop, signal));
}

/* Each signal that the system has, one after the other, and again; the others say that it has not.
 */
static void every_signal_there_is(world *w)
{
    for (int number = PLX_SIGNAL_INTERRUPT; number <= PLX_SIGNAL_CHILD; number++) {
        heard h = {0};
        int status = plx_signal_open(w->loop, NULL, number, close_when_heard, &h);
        if (status == PLX_ENOSYS)
            continue;
        ck_ok(status);
        status = plx__test_signal(number);
        if (status == PLX_ENOSYS)
            continue; /* It is there, and nobody but the system can send it. */
        ck_ok(status);
        ck_ok(plx_loop_run_once(w->loop, patience()));
        turn_until(w, &h.count, 1);
        ck_assert_int_eq(h.number, number);
    }
    ck_assert_int_eq(plx_signal_open(w->loop, NULL, PLX_SIGNAL_INTERRUPT, NULL, NULL), PLX_EINVAL);
}

/* A number of the system's own, as SIGINT, is no number here; nor are those beside ours. */
static void numbers_of_the_system_are_refused(world *w)
{
    plx_signal signal = {0};
    ck_assert_int_eq(plx_signal_open(w->loop, &signal, SIGINT, hear, NULL), PLX_EINVAL);
    ck_assert_int_eq(plx_signal_open(w->loop, &signal, SIGTERM, hear, NULL), PLX_EINVAL);
    for (int number = -1; number <= 128; number++) /* Linux has 64, FreeBSD 128. */
        ck_assert_int_eq(plx_signal_open(w->loop, &signal, number, hear, NULL), PLX_EINVAL);
    for (int beside = -1; beside <= 1; beside += 2) {
        int number = beside + (beside < 0 ? PLX_SIGNAL_INTERRUPT : PLX_SIGNAL_CHILD);
        ck_assert_int_eq(plx_signal_open(w->loop, &signal, number, hear, NULL), PLX_EINVAL);
    }
    ck_assert_uint_eq(signal.bits, 0);
}

const test_case behavior_post_cases[] = {
    CASE(post_runs),
    CASE(posts_from_four_threads),
    CASE(posts_are_bounded),
    CASE(posts_that_post_do_not_hold_the_loop),
    CASE(post_wakes_a_waiting_loop),
    CASE(stop_from_another_thread),
    CASE(interrupt_is_delivered),
    CASE(every_signal_there_is),
    CASE(numbers_of_the_system_are_refused),
    CASES_END,
};
