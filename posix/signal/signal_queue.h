/* posix/signal/signal_queue.h - signals that wait to be taken: how they came, in which order, for
 * whom. */
#ifndef PLX__POSIX_SIGNAL_QUEUE_H
#define PLX__POSIX_SIGNAL_QUEUE_H

#include "posix/signal/signal.h"

enum { PLX__SIGNALS = 64, PLX__SIGRTMIN = 34, PLX__SI_QUEUE = -1, PLX__SI_TIMER = -2 };

/* As siginfo_t. */
typedef struct plx__signal_info {
    int number;
    int code;
    int error;
    int process;
    unsigned user;
    int status;
    void *address;
    void *value;
    long band;
} plx__signal_info;

static inline plx__sigset plx__signal_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

/* Of signals below PLX__SIGRTMIN the first cause is kept, of others each, in order. 0 or -EAGAIN.
 */
int plx__queue_put(int number, plx__signal_cause cause);
/* The first of the lowest number among these, which is then taken; 0: none waits. */
int plx__queue_take(plx__sigset set, plx__signal_cause *cause_out);
/* Those that wait for any thread. */
plx__sigset plx__queue_set(void);
/* It is ignored from now on: what waits for any thread or for one is gone. */
void plx__queue_drop(int number);

/* A timer's one signal, which stays where it is while it waits or is being sent. */
typedef struct plx__timer_signal {
    bool is_waiting;
    int more;    /* Expiries after the one that it was sent for. */
    int overrun; /* Those of the signal that was taken last. */
} plx__timer_signal;

/* The timer has expired as many times. Whether its signal is to be sent, for none waits yet.
 * `is_told_now`: it tells in another way, at once. */
bool plx__timer_count(plx__timer_signal *of, uint64_t count, bool is_told_now);
int plx__timer_overrun(const plx__timer_signal *of);
/* If it waits, it does so no longer. */
void plx__timer_drop(const plx__timer_signal *of);

/* For one thread: 0 or -EAGAIN. */
int plx__directed_put(DWORD thread, int number, plx__signal_cause cause);
/* One of these that waits for the calling thread, which is then taken; 0: none does. */
int plx__directed_take(plx__sigset set, plx__signal_cause *cause_out);
/* Those that wait for it. */
plx__sigset plx__directed_set(void);
/* The calling thread ends. */
void plx__directed_end(void);

#endif
