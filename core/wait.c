/* core/wait.c - waits that fail.
 *
 * The system may lack memory for one wait and have it for the next (poll(2): "a subsequent request
 * may succeed"). A server does not end over that: the loop pauses for a moment, does everything
 * else that a turn does, and waits again. It returns only what lasts.
 */
#include "core/loop.h"

/* How long the loop pauses at the most; timers end the pause, and posts wait no longer than that.
 */
#define PAUSE_NS (10 * PLX_MILLISECOND)

/* From when on a failure lasts: so long has no wait succeeded. */
#define LASTING_NS (5 * PLX_SECOND)

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
    plx__sleep(pause_ns < PAUSE_NS ? pause_ns : PAUSE_NS);
    loop->now_ns = loop->turn_ns = plx__clock_now();
    return 0;
}
