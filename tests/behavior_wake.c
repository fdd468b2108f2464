/* tests/behavior_wake.c - a wake that is sent ends the wait that has not seen its reason.
 *
 * At each step between the loop's word that it sleeps and the system call that sleeps
 * (platform/hook.h) a post, a stop or a signal is made: on the loop's own thread, as a signal
 * handler would, and on another one. Waits without a limit are ended by the watchdog, which fails
 * the case; those with one by a timer, which does the same.
 */
#include <string.h>

#include "platform/hook.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_wake_cases[];

enum act { ACT_POST, ACT_STOP, ACT_SIGNAL };

typedef struct actor {
    world *w;
    enum act act;
    bool has_thread; /* It acts on a thread of its own, */
    uint32_t at;     /* at this step of a run, counted from 0. */
    uint32_t taken;  /* Steps so far. */
    bool has_slept;  /* The last step before the system call was among them. */
    size_t seen;     /* Posts that ran and signals that were delivered. */
    plx__thread thread;
    plx__mutex mutex;
    plx__condition changed;
    bool is_wanted;
    bool is_ending;
} actor;

/* --- acting ------------------------------------------------------------------------------------
 */

static void end_run(plx_loop *loop, void *data, int status)
{
    ck_ok(status);
    ++*(size_t *)data;
    plx_loop_stop(loop);
}

static void end_run_on_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    ck_assert_int_eq(number, PLX_SIGNAL_INTERRUPT);
    end_run(loop, data, 0);
}

static void act(actor *a)
{
    switch (a->act) {
    case ACT_POST:
        ck_ok(plx_post(a->w->loop, end_run, &a->seen));
        break;
    case ACT_STOP:
        plx_loop_stop(a->w->loop);
        break;
    case ACT_SIGNAL:
        ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
        break;
    }
}

static void thread_run(void *data)
{
    actor *a = data;
    plx__mutex_lock(&a->mutex);
    while (!a->is_ending) {
        if (a->is_wanted) {
            act(a);
            a->is_wanted = false;
            plx__condition_signal(&a->changed);
        }
        (void)plx__condition_wait(&a->changed, &a->mutex, PLX_FOREVER);
    }
    plx__mutex_unlock(&a->mutex);
}

/* Returns when it has been done. */
static void act_on_thread(actor *a)
{
    plx__mutex_lock(&a->mutex);
    a->is_wanted = true;
    plx__condition_signal(&a->changed);
    while (a->is_wanted)
        (void)plx__condition_wait(&a->changed, &a->mutex, PLX_FOREVER);
    plx__mutex_unlock(&a->mutex);
}

static void take_step(enum plx__hook_step step, void *data)
{
    actor *a = data;
    if (step == PLX__HOOK_SECOND || step == PLX__HOOK_SEND)
        return; /* Those of other threads, and of the act itself. */
    if (step == PLX__HOOK_SLEEP)
        a->has_slept = true;
    if (a->taken++ != a->at)
        return;
    if (a->has_thread)
        act_on_thread(a);
    else
        act(a);
}

static void actor_start(actor *a, world *w, enum act act, bool has_thread)
{
    *a = (actor){.w = w, .act = act, .has_thread = has_thread};
    plx__mutex_open(&a->mutex);
    plx__condition_open(&a->changed);
    if (has_thread)
        ck_ok(plx__thread_start(&a->thread, thread_run, a));
}

static void actor_end(actor *a)
{
    plx__mutex_lock(&a->mutex);
    a->is_ending = true;
    plx__condition_signal(&a->changed);
    plx__mutex_unlock(&a->mutex);
    if (a->has_thread)
        plx__thread_join(&a->thread);
    plx__condition_close(&a->changed);
    plx__mutex_close(&a->mutex);
}

/* --- running -----------------------------------------------------------------------------------
 */

static void fail_in_vain(plx_loop *loop, plx_timer timer, void *data)
{
    const actor *a = data;
    (void)loop;
    (void)timer;
    ck_abort_msg("what was done at step %u has not ended the wait", a->at);
}

/* Runs the loop until the act at step `at` ends that. */
static void run_to_step(actor *a, uint32_t at, bool has_timer)
{
    plx_timer timer;
    size_t before = a->seen;
    a->at = at;
    a->taken = 0;
    a->has_slept = false;
    if (has_timer)
        ck_ok(plx_timer_start(a->w->loop, &timer, patience(), 0, fail_in_vain, a));
    plx__hook_set(take_step, a);
    ck_ok(plx_loop_run(a->w->loop));
    plx__hook_set(NULL, NULL);
    if (has_timer)
        ck_ok(plx_timer_cancel(a->w->loop, timer));
    ck_assert_uint_gt(a->taken, at);
    ck_assert_uint_eq(a->seen, before + (a->act != ACT_STOP));
}

static void loop_renew(actor *a)
{
    world_reopen(a->w, (plx_loop_options){.keep_running = 1});
    if (a->act == ACT_SIGNAL)
        ck_ok(plx_signal_open(a->w->loop, NULL, PLX_SIGNAL_INTERRUPT, end_run_on_signal, &a->seen));
}

/* How many steps the next wait has. What is done after the look does not make it any shorter. */
static uint32_t steps_count(actor *a, bool has_timer)
{
    enum { AFTER_LOOK = 1, STEPS_MIN = 3 };
    run_to_step(a, AFTER_LOOK, has_timer);
    ck_assert(a->has_slept);
    ck_assert_uint_ge(a->taken, STEPS_MIN);
    return a->taken;
}

/* At each step of a wait that is not the loop's first. */
static void act_in_later_waits(actor *a, bool has_timer)
{
    (void)steps_count(a, has_timer); /* It may be the first. */
    uint32_t steps = steps_count(a, has_timer);
    for (uint32_t at = 0; at < steps; at++) {
        run_to_step(a, at, has_timer);
        run_to_step(a, at, has_timer);
    }
}

static void act_in_all_waits(actor *a, bool has_timer)
{
    loop_renew(a);
    uint32_t steps = steps_count(a, has_timer);
    for (uint32_t at = 0; at < steps; at++) {
        loop_renew(a);
        run_to_step(a, at, has_timer);
    }
    act_in_later_waits(a, has_timer);
}

static void act_at_each_step(world *w, enum act act, bool has_thread)
{
    actor a;
    actor_start(&a, w, act, has_thread);
    act_in_all_waits(&a, false);
    act_in_all_waits(&a, true);
    actor_end(&a);
}

static void post_at_each_step_ends_the_wait(world *w)
{
    act_at_each_step(w, ACT_POST, false);
}

static void post_of_another_thread_at_each_step_ends_the_wait(world *w)
{
    act_at_each_step(w, ACT_POST, true);
}

static void stop_at_each_step_ends_the_wait(world *w)
{
    act_at_each_step(w, ACT_STOP, false);
}

static void stop_of_another_thread_at_each_step_ends_the_wait(world *w)
{
    act_at_each_step(w, ACT_STOP, true);
}

static void signal_at_each_step_ends_the_wait(world *w)
{
    act_at_each_step(w, ACT_SIGNAL, false);
}

/* --- among others ------------------------------------------------------------------------------
 */

enum { COMPANY = 3 };

/* Connections that are idle: where there are two tiers, the second thread waits for them. */
static void company_open(world *w, probe *p, peer *peers)
{
    plx_conn_options options = probe_options(p);
    for (int i = 0; i < COMPANY; i++)
        peers[i] = connect_pair(w, p, &options);
    turn_some(w);
}

static void company_close(world *w, const probe *p, peer *peers)
{
    for (int i = 0; i < COMPANY; i++)
        peer_close(&peers[i]);
    turn_until(w, &p->closed, COMPANY);
}

static void wake_ends_a_wait_among_idle_connections(world *w)
{
    actor a;
    probe p = {0};
    peer peers[COMPANY];
    company_open(w, &p, peers);
    actor_start(&a, w, ACT_POST, true);
    act_in_later_waits(&a, false);
    act_in_later_waits(&a, true);
    actor_end(&a);
    company_close(w, &p, peers);
}

/* As on systems that lack the newest call to wait with (epoll_pwait2(2)). */
static void wake_ends_a_wait_of_an_older_system(world *w)
{
    actor a;
    actor_start(&a, w, ACT_POST, true);
    loop_renew(&a);
    plx__fault_arm(PLX__FAULT_FEATURE, 0, UINT32_MAX);
    act_in_later_waits(&a, true);
    (void)plx__fault_disarm(PLX__FAULT_FEATURE);
    actor_end(&a);
}

/* After each wake its socket is found dead and is made anew (Windows, after the machine has slept);
 * the next wake ends the next wait. Where there is nothing that dies, nothing is made anew. */
static void wake_that_is_made_anew_ends_the_next_wait(world *w)
{
    actor a;
    probe p = {0};
    peer peers[COMPANY];
    company_open(w, &p, peers);
    actor_start(&a, w, ACT_POST, true);
    plx__fault_arm(PLX__FAULT_WAKE, 0, UINT32_MAX);
    act_in_later_waits(&a, false);
    uint32_t renewed = plx__fault_disarm(PLX__FAULT_WAKE);
    actor_end(&a);
#ifdef _WIN32
    ck_assert(strcmp(w->backend, "poll") != 0 || renewed > 0);
#else
    ck_assert_uint_eq(renewed, 0);
#endif
    company_close(w, &p, peers);
}

/* The same when there is no descriptor for another one (counted, where something died): the wait
 * ends all the same, peers are served, and it is made anew as soon as there is one. */
static void wake_that_cannot_be_made_anew_stops_nobody(world *w)
{
    actor a;
    probe p = {.then_data = echo_back};
    peer peers[COMPANY];
    char answer;
    company_open(w, &p, peers);
    actor_start(&a, w, ACT_POST, true);
    plx__fault_arm(PLX__FAULT_WAKE, 0, UINT32_MAX);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    act_in_later_waits(&a, false);
    for (int i = 0; i < COMPANY; i++) {
        peer_send(w, &peers[i], "x", 1);
        peer_receive(w, &peers[i], &answer, 1);
    }
    uint64_t failures = counter(w, wait_failures);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    turn_some(w);
#ifdef _WIN32
    ck_assert(strcmp(w->backend, "poll") != 0 || failures > 0);
#else
    ck_assert_uint_eq(failures, 0);
#endif
    failures = counter(w, wait_failures);
    act_in_later_waits(&a, false);
    ck_assert_uint_eq(counter(w, wait_failures), failures);
    (void)plx__fault_disarm(PLX__FAULT_WAKE);
    actor_end(&a);
    company_close(w, &p, peers);
}

/* --- the second thread -------------------------------------------------------------------------
 */

typedef struct second {
    peer *speaker;
    plx_loop *loop;
    size_t posts;
    plx__atomic_u32 acts_left;
} second;

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

static void speak_when_second_sleeps(enum plx__hook_step step, void *data)
{
    second *s = data;
    if (step == PLX__HOOK_SECOND && plx__atomic_exchange(&s->acts_left, 0) != 0) {
        ck_assert_int_eq((int)net_send(s->speaker->socket, "x", 1), 1);
        ck_ok(plx_post(s->loop, count_post, &s->posts));
    }
}

/* What comes for a socket just before the second thread sleeps is delivered, and so is a post that
 * is made there. */
static void second_thread_sees_what_comes_before_it_sleeps(world *w)
{
    enum { ROUNDS = 20 };
    probe p = {0};
    peer peers[COMPANY];
    second s = {.speaker = &peers[0]};
    if (strcmp(w->configuration, "poll-two-tier") != 0)
        return; /* There is none. */
    company_open(w, &p, peers);
    s.loop = w->loop;
    plx__hook_set(speak_when_second_sleeps, &s);
    for (size_t i = 0; i < ROUNDS; i++) {
        plx__atomic_store(&s.acts_left, 1);
        peer_send(w, &peers[1], "y", 1); /* The thread reports it, and goes to sleep again. */
        turn_until(w, &s.posts, i + 1);
        turn_until(w, &p.received, 2 * i + 2);
    }
    company_close(w, &p, peers);
    ck_ok(plx_loop_close(w->loop)); /* Which ends the thread. */
    w->loop = NULL;
    plx__hook_set(NULL, NULL);
}

const test_case behavior_wake_cases[] = {
    CASE(post_at_each_step_ends_the_wait),
    CASE(post_of_another_thread_at_each_step_ends_the_wait),
    CASE(stop_at_each_step_ends_the_wait),
    CASE(stop_of_another_thread_at_each_step_ends_the_wait),
    CASE(signal_at_each_step_ends_the_wait),
    CASE(wake_ends_a_wait_among_idle_connections),
    CASE(wake_ends_a_wait_of_an_older_system),
    CASE(wake_that_is_made_anew_ends_the_next_wait),
    CASE(wake_that_cannot_be_made_anew_stops_nobody),
    CASE(second_thread_sees_what_comes_before_it_sleeps),
    CASES_END,
};
