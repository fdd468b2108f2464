/* backends/sim/world.c - owns a simulation and the loops in it: whose turn it is.
 *
 * Everything that is to happen is an event, or a turn of a loop that the simulation runs. The
 * earliest happens next.
 */
#include "backends/sim/sim.h"

#include <string.h>

#include "platform/sized.h"

#if defined(_MSC_VER)
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif

#define BUFFER_MAX      (1u << 30)
#define DESCRIPTORS_MAX (1u << 20)
#define BACKLOG_MAX     (1u << 20)
#define LATENCY_MAX     (3600 * PLX_SECOND)
#define MILLION         1000000u

/* What a turn takes, and for how long the system may run others first. */
#define TURN_NS     500u
#define SCHEDULE_NS 2000u

static THREAD_LOCAL plx_sim *here;

plx_sim *plx__sim_here(void)
{
    return here;
}

/* --- whose turn it is ------------------------------------------------------------------------ */

static uint64_t task_due(const plx_sim *sim, const plx__sim_task *task)
{
    if (task->is_over || task->is_running || task->member->is_waiting || task->member->is_busy)
        return UINT64_MAX;
    uint64_t due_ns = task->member->due(task->member);
    uint64_t timeout_ns = task->next_timeout(task->loop);
    if (timeout_ns < UINT64_MAX - sim->now_ns && sim->now_ns + timeout_ns < due_ns)
        due_ns = sim->now_ns + timeout_ns;
    return due_ns > task->not_before_ns ? due_ns : task->not_before_ns;
}

/* The earliest, and when; NULL if there is none. Of several, any. */
static plx__sim_task *task_next(plx_sim *sim, uint64_t *due_out)
{
    plx__sim_task *next = NULL;
    uint64_t equals = 0;
    *due_out = UINT64_MAX;
    sim->is_choosing = true;
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        uint64_t due_ns = task_due(sim, &sim->tasks[i]);
        if (due_ns == UINT64_MAX || due_ns > *due_out)
            continue;
        equals = due_ns == *due_out ? equals + 1 : 1;
        if (equals == 1 || plx__sim_chance(sim, equals) == 0)
            next = &sim->tasks[i];
        *due_out = due_ns;
    }
    sim->is_choosing = false;
    return next;
}

/* One that has nothing to do now, any of those. NULL if there is none, and when there may be. */
static plx__sim_task *task_idle(plx_sim *sim, uint64_t *rested_out)
{
    plx__sim_task *idle = NULL;
    uint64_t count = 0;
    *rested_out = UINT64_MAX;
    sim->is_choosing = true;
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        plx__sim_task *task = &sim->tasks[i];
        const uint64_t from_ns = task->not_before_ns;
        if (task->is_over || task->is_running || task_due(sim, task) <= sim->now_ns)
            continue;
        if (from_ns <= sim->now_ns)
            idle = plx__sim_chance(sim, ++count) == 0 ? task : idle;
        else if (from_ns < *rested_out)
            *rested_out = from_ns;
    }
    sim->is_choosing = false;
    return idle;
}

/* Tasks may come and go in the turn, so the array may move. */
static void task_run(plx_sim *sim, plx__sim_task *task, uint64_t timeout_ns)
{
    const uint32_t number = task->member->number; /* The loop may close in the turn. */
    task->is_running = true;
    int status = task->turn(task->loop, timeout_ns);
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        task = &sim->tasks[i];
        if (task->member->number != number)
            continue;
        task->is_running = false;
        task->is_over = task->is_over || (status <= 0 && status != PLX_EBUSY);
        task->member->is_busy = status == PLX_EBUSY;
        task->not_before_ns = sim->now_ns + TURN_NS + plx__sim_chance(sim, SCHEDULE_NS);
        if (status < 0)
            plx__sim_tell(sim, "fail", number, 0, status);
    }
}

void plx__sim_turns(plx_sim *sim)
{
    uint64_t due_ns;
    for (uint32_t left = sim->tasks_count; left > 0; left--) {
        plx__sim_task *task = task_next(sim, &due_ns);
        if (task == NULL || due_ns > sim->now_ns)
            return;
        task_run(sim, task, 0);
    }
}

int plx__sim_step(plx_sim *sim, uint64_t deadline_ns)
{
    uint64_t due_ns;
    plx__sim_task *task = task_next(sim, &due_ns);
    uint64_t event_ns = sim->events_count > 0 ? sim->events[0].at_ns : UINT64_MAX;
    if (due_ns == UINT64_MAX && deadline_ns == UINT64_MAX && plx__sim_events_are_held(sim))
        return PLX_EDEADLK;
    if (event_ns <= due_ns && event_ns <= deadline_ns && event_ns != UINT64_MAX) {
        plx__sim_event_run(sim);
    } else if (task != NULL && due_ns <= deadline_ns) {
        if (sim->now_ns < due_ns)
            sim->now_ns = due_ns;
        task_run(sim, task, 0);
    } else if (sim->now_ns < deadline_ns) {
        sim->now_ns = deadline_ns;
    }
    return 0;
}

/* Has a loop that has nothing to do wait, as its thread would, while the others run: so that it is
 * asleep when they want something of it. One that has come to its end ends instead. */
static int sleep_or_step(plx_sim *sim, uint64_t deadline_ns)
{
    uint64_t rested_ns;
    plx__sim_task *task = task_idle(sim, &rested_ns);
    if (task == NULL)
        return plx__sim_step(sim, rested_ns < deadline_ns ? rested_ns : deadline_ns);
    sim->sleeper = task->member;
    sim->is_deadlocked = false;
    task_run(sim, task, deadline_ns != UINT64_MAX ? deadline_ns - sim->now_ns : PLX_FOREVER);
    sim->sleeper = NULL;
    return sim->is_deadlocked ? PLX_EDEADLK : 0;
}

int plx__sim_join(plx_sim *sim, plx__sim_member *member)
{
    int status = plx__sim_grow((void **)&sim->members, sim->members_count, &sim->members_room,
                               sizeof(plx__sim_member *));
    if (status != 0)
        return status;
    member->number = ++sim->members_seen;
    sim->members[sim->members_count++] = member;
    return 0;
}

void plx__sim_leave(plx_sim *sim, const plx__sim_member *member)
{
    uint32_t remaining = 0;
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        if (sim->tasks[i].member != member)
            sim->tasks[remaining++] = sim->tasks[i];
    }
    sim->tasks_count = remaining;
    remaining = 0;
    for (uint32_t i = 0; i < sim->members_count; i++) {
        if (sim->members[i] != member)
            sim->members[remaining++] = sim->members[i];
    }
    sim->members_count = remaining;
}

/* The loop's backend, or NULL if the loop is not of this simulation. */
static plx__sim_member *member_find(const plx_sim *sim, const plx_loop *loop)
{
    for (uint32_t i = 0; i < sim->members_count; i++) {
        if (sim->members[i]->loop == loop)
            return sim->members[i];
    }
    return NULL;
}

int plx_sim_add_calls(plx_sim *sim, plx_loop *loop,
                      int (*turn)(plx_loop *loop, uint64_t timeout_ns),
                      uint64_t (*next_timeout)(plx_loop *loop))
{
    plx__sim_task task = {.loop = loop, .turn = turn, .next_timeout = next_timeout};
    if (sim != here)
        return PLX_EBUSY;
    task.member = member_find(sim, loop);
    if (task.member == NULL)
        return PLX_EINVAL;
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        if (sim->tasks[i].member != task.member)
            continue;
        if (!sim->tasks[i].is_over)
            return PLX_EBUSY;
        sim->tasks[i] = task;
        return 0;
    }
    int status =
        plx__sim_grow((void **)&sim->tasks, sim->tasks_count, &sim->tasks_room, sizeof *sim->tasks);
    if (status == 0)
        sim->tasks[sim->tasks_count++] = task;
    return status;
}

static bool tasks_are_over(const plx_sim *sim)
{
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        if (!sim->tasks[i].is_over)
            return false;
    }
    return true;
}

/* Whether this is called by something that the simulation runs, or by another thread. */
static bool is_under_way(const plx_sim *sim)
{
    for (uint32_t i = 0; i < sim->tasks_count; i++) {
        if (sim->tasks[i].is_running)
            return true;
    }
    return sim->is_running || sim != here;
}

int plx_sim_run(plx_sim *sim, uint64_t duration_ns)
{
    int status = 0;
    if (is_under_way(sim))
        return PLX_EBUSY;
    sim->is_running = true;
    uint64_t deadline_ns =
        duration_ns < UINT64_MAX - sim->now_ns ? sim->now_ns + duration_ns : UINT64_MAX;
    while (status == 0 && !tasks_are_over(sim))
        status = sim->now_ns < deadline_ns ? sleep_or_step(sim, deadline_ns) : PLX_ETIMEDOUT;
    sim->is_running = false;
    return status;
}

/* --- opening and closing --------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t other)
{
    return value != 0 ? value : other;
}

static bool are_rates(const plx_sim_faults *faults)
{
    uint32_t rates[sizeof *faults / sizeof(uint32_t)];
    memcpy(rates, faults, sizeof rates);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i] > MILLION)
            return false;
    }
    return true;
}

static int options_take(plx_sim *sim, const plx_sim_options *given, size_t options_bytes,
                        size_t faults_bytes)
{
    plx_sim_options *options = &sim->options;
    int status = plx__sized_take(options, sizeof *options, given, options_bytes);
    if (status == 0)
        status = plx__sized_take(&sim->faults, sizeof sim->faults, options->faults, faults_bytes);
    if (status != 0)
        return status;
    options->faults = NULL;
    options->latency_ns = options->latency_ns != 0 ? options->latency_ns : 100 * PLX_MICROSECOND;
    options->jitter_ns = options->jitter_ns != 0 ? options->jitter_ns : 100 * PLX_MICROSECOND;
    options->buffer_bytes = or_default(options->buffer_bytes, 65536);
    options->backlog_max = or_default(options->backlog_max, 4096);
    options->descriptors_max = or_default(options->descriptors_max, 65536);
    if (!are_rates(&sim->faults) || options->buffer_bytes > BUFFER_MAX ||
        options->descriptors_max > DESCRIPTORS_MAX || options->backlog_max > BACKLOG_MAX ||
        options->latency_ns > LATENCY_MAX || options->jitter_ns > LATENCY_MAX)
        return PLX_EINVAL;
    return 0;
}

int plx_sim_open_sized(plx_sim **sim_out, const plx_sim_options *options, size_t options_bytes,
                       size_t faults_bytes)
{
    *sim_out = NULL;
    if (here != NULL)
        return PLX_EBUSY;
    plx_sim *sim = plx__allocate_zeroed(1, sizeof *sim);
    if (sim == NULL)
        return PLX_ENOMEM;
    int status = options_take(sim, options, options_bytes, faults_bytes);
    if (status != 0) {
        plx__free(sim);
        return status;
    }
    plx__sim_chance_seed(sim);
    sim->now_ns = PLX__SIM_START_NS;
    sim->port_next = (uint16_t)(49152 + plx__sim_chance(sim, 8192));
    *sim_out = here = sim;
    return 0;
}

int plx_sim_close(plx_sim *sim)
{
    if (sim == NULL)
        return 0;
    if (sim->members_count > 0 || is_under_way(sim))
        return PLX_EBUSY;
    plx__sim_sockets_free(sim);
    plx__free(sim->events);
    plx__free(sim->members);
    plx__free(sim->tasks);
    plx__free(sim->cuts);
    plx__free(sim);
    here = NULL;
    return 0;
}

uint64_t plx_sim_now(const plx_sim *sim)
{
    return sim->now_ns - PLX__SIM_START_NS;
}

uint32_t plx_sim_sockets(const plx_sim *sim)
{
    return sim->sockets_open;
}

void plx_sim_cut(plx_sim *sim, int is_cut)
{
    sim->is_cut = is_cut != 0;
}

int plx_sim_cut_between(plx_sim *sim, const plx_loop *one, const plx_loop *other, int is_cut)
{
    if (sim != here)
        return PLX_EBUSY;
    const plx__sim_member *left = member_find(sim, one), *right = member_find(sim, other);
    if (left == NULL || right == NULL)
        return PLX_EINVAL;
    plx__sim_cut *cut = plx__sim_cut_find(sim, left->number, right->number);
    if (cut != NULL && is_cut == 0)
        *cut = sim->cuts[--sim->cuts_count];
    if (cut != NULL || is_cut == 0)
        return 0;
    int status =
        plx__sim_grow((void **)&sim->cuts, sim->cuts_count, &sim->cuts_room, sizeof *sim->cuts);
    if (status == 0)
        sim->cuts[sim->cuts_count++] = (plx__sim_cut){left->number, right->number};
    return status;
}
