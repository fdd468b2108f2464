/* core/wait.c - the wait of a turn, and waits that fail.
 *
 * The system may lack memory for one wait and have it for the next (poll(2): "a subsequent request
 * may succeed"). A server does not end over that: the loop pauses for a moment, does everything
 * else that a turn does, and waits again. It returns only what lasts.
 */
#include "core/wait.h"
#include "platform/hook.h"

#define POSTS_GATHER_NS 1000u

/* How long the loop pauses at the most; timers end the pause, and posts wait no longer than that.
 */
#define PAUSE_NS (10 * PLX_MILLISECOND)

/* From when on a failure lasts: so long has no wait succeeded. */
#define LASTING_NS (5 * PLX_SECOND)

uint64_t plx__wait_timeout(plx_loop *loop, uint64_t now_ns, uint64_t timeout_ns)
{
    uint64_t next_ns = plx__wheel_next_ns(&loop->wheel);
    if (loop->report.due_ns < next_ns)
        next_ns = loop->report.due_ns;
    if (loop->deferred_first != NULL || plx__atomic_load(&loop->is_stopped) ||
        plx__signals_are_due(loop) || !plx__post_queue_is_empty(&loop->posts))
        return 0;
    if (next_ns == UINT64_MAX)
        return timeout_ns;
    uint64_t until = next_ns > now_ns ? next_ns - now_ns : 0;
    return until < timeout_ns ? until : timeout_ns;
}

/* While posts come faster than turns: a loop that takes them as they come fights with the posters
 * for each line of the cache, at twice the cost for all (bench/notes/ has figures). So they get
 * a moment from one batch to the next, most of which the wait has used already. */
static void posts_gather(const plx_loop *loop)
{
    while (loop->host->now() - loop->posts_ran_ns < POSTS_GATHER_NS)
        loop->host->pause();
}

/* With posts that wait already nobody needs to wake it, or to be told that it sleeps. */
static int backend_wait(plx_loop *loop, uint64_t timeout_ns)
{
    if (!plx__post_queue_is_empty(&loop->posts)) {
        int status = loop->ops->wait(loop->backend, 0);
        posts_gather(loop);
        return status;
    }
    /* First this, then a look at what others may have left: they look the other way round. */
    plx__atomic_store(&loop->is_sleeping, 1);
    plx__hook(PLX__HOOK_TOLD);
    timeout_ns = plx__wait_timeout(loop, loop->now_ns, timeout_ns);
    plx__hook(PLX__HOOK_LOOKED);
    int status = loop->ops->wait(loop->backend, timeout_ns);
    if (plx__atomic_exchange(&loop->is_sleeping, 0) == 0)
        loop->stats.wakes++;
    return status;
}

static bool may_pass(int status)
{
    return status == PLX_ENOMEM || status == PLX_ENOBUFS || status == PLX_EAGAIN;
}

/* Whether waits have failed without a break, this one included, for so long that it lasts. */
static bool is_lasting(plx_loop *loop)
{
    uint64_t ticks = loop->stats.ticks;
    if (loop->failed_tick == 0 || ticks - loop->failed_tick > 1)
        loop->failing_ns = loop->now_ns;
    loop->failed_tick = ticks;
    if (loop->now_ns - loop->failing_ns < LASTING_NS)
        return false;
    loop->failed_tick = 0; /* Who runs the loop again has as long again. */
    return true;
}

int plx__wait_failed(plx_loop *loop, int status, uint64_t timeout_ns)
{
    loop->stats.wait_failures++;
    if (loop->is_closing || !may_pass(status) || is_lasting(loop))
        return status;
    uint64_t pause_ns = plx__wait_timeout(loop, loop->now_ns, timeout_ns);
    loop->host->sleep(pause_ns < PAUSE_NS ? pause_ns : PAUSE_NS);
    loop->now_ns = loop->turn_ns = loop->host->now();
    return 0;
}

int plx__loop_wait(plx_loop *loop, uint64_t timeout_ns)
{
    int status = backend_wait(loop, timeout_ns);
    loop->now_ns = loop->turn_ns = loop->host->now();
    return status == 0 ? 0 : plx__wait_failed(loop, status, timeout_ns);
}
