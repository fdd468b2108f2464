/* platform/unix/signal.c - one handler for all signals, and the table of those who want to know.
 *
 * The handler may interrupt anything on any thread, so it touches nothing but atomics and calls
 * nothing but the listeners' `wake`. A listener that leaves waits until no handler is inside.
 */
#include <errno.h>
#include <signal.h>

#include "platform/platform.h"
#include "platform/unix/fork.h"

#define LISTENERS_MAX 64

typedef struct signal_slot {
    plx__atomic_u32 wanted; /* Bit N for signal number N; 0: the slot is free, or silent. */
    plx__signal_listener *listener;
} signal_slot;

static const int system_numbers[] = {
    [PLX__SIGNAL_INTERRUPT] = SIGINT, [PLX__SIGNAL_TERMINATE] = SIGTERM,
    [PLX__SIGNAL_HANGUP] = SIGHUP,    [PLX__SIGNAL_QUIT] = SIGQUIT,
    [PLX__SIGNAL_USER1] = SIGUSR1,    [PLX__SIGNAL_USER2] = SIGUSR2,
    [PLX__SIGNAL_CHILD] = SIGCHLD,
};

static signal_slot slots[LISTENERS_MAX];
static plx__atomic_u32 handlers_inside;

/* What follows is changed only under the lock, with a spin because loops come and go rarely. */
static plx__atomic_u32 table_lock;
static uint32_t slots_taken[LISTENERS_MAX];
static uint32_t subscriptions[PLX__SIGNAL_NUMBERS];
static struct sigaction actions_before[PLX__SIGNAL_NUMBERS];

static void table_enter(void)
{
    while (plx__atomic_exchange(&table_lock, 1) != 0)
        plx__thread_yield();
}

static void table_leave(void)
{
    plx__atomic_store_release(&table_lock, 0);
}

void plx__signals_fork_begin(void)
{
    table_enter();
}

void plx__signals_fork_end(bool is_child)
{
    /* Handlers run on threads that the child does not have. */
    if (is_child)
        plx__atomic_store(&handlers_inside, 0);
    table_leave();
}

static void on_signal(int system_number)
{
    int before = errno;
    plx__atomic_add(&handlers_inside, 1);
    for (uint32_t number = 1; number < PLX__SIGNAL_NUMBERS; number++) {
        if (system_numbers[number] != system_number)
            continue;
        for (int i = 0; i < LISTENERS_MAX; i++) {
            if ((plx__atomic_load(&slots[i].wanted) & 1u << number) == 0)
                continue;
            plx__signal_listener *listener = slots[i].listener;
            plx__atomic_or(&listener->pending, 1u << number);
            listener->wake(listener->data);
        }
    }
    plx__atomic_add(&handlers_inside, UINT32_MAX);
    errno = before;
}

void plx__signal_listener_init(plx__signal_listener *listener, void (*wake)(void *), void *data)
{
    plx__atomic_store(&listener->pending, 0);
    listener->wake = wake;
    listener->data = data;
    listener->slot = -1;
}

static int slot_find(plx__signal_listener *listener)
{
    if (listener->slot >= 0)
        return listener->slot;
    for (int i = 0; i < LISTENERS_MAX; i++) {
        if (slots_taken[i] == 0) {
            slots[i].listener = listener;
            return i;
        }
    }
    return -1;
}

static int action_install(int number)
{
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (sigaction(system_numbers[number], &action, &actions_before[number]) != 0)
        return plx__fail_last();
    return 0;
}

static int table_add(plx__signal_listener *listener, int number)
{
    int slot = slot_find(listener);
    if (slot < 0)
        return PLX_ELIMIT;
    if (subscriptions[number] == 0) {
        int status = action_install(number);
        if (status != 0)
            return status;
    }
    subscriptions[number]++;
    slots_taken[slot]++;
    listener->slot = slot;
    plx__atomic_or(&slots[slot].wanted, 1u << number);
    return 0;
}

int plx__signal_add(plx__signal_listener *listener, int number)
{
    table_enter();
    int status = table_add(listener, number);
    table_leave();
    return status;
}

void plx__signal_remove(plx__signal_listener *listener, int number)
{
    table_enter();
    signal_slot *slot = &slots[listener->slot];
    uint32_t wanted = plx__atomic_load(&slot->wanted);
    plx__atomic_store(&slot->wanted, wanted & ~(1u << number));
    if (--subscriptions[number] == 0)
        (void)sigaction(system_numbers[number], &actions_before[number], NULL);
    while (plx__atomic_load(&handlers_inside) != 0)
        plx__thread_yield();
    if (--slots_taken[listener->slot] == 0) {
        slot->listener = NULL;
        listener->slot = -1;
    }
    table_leave();
}
