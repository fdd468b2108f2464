/* posix/signal/signal.h - signals: handlers, masks, and the causes of signals.
 *
 * Calls that wait for a signal are in wait/, calls that send one to another process in process/.
 */
#ifndef PLX__POSIX_SIGNAL_H
#define PLX__POSIX_SIGNAL_H

#include "posix/fd/fd.h"

enum { PLX__SIGNALS_HANDLED = 1, PLX__SIGNALS_NO_RESTART = 2 };
/* Runs the handlers of signals that wait and are not blocked on this thread. Bits of the above. */
unsigned plx__handlers_run(void);
/* Whether a program has asked for any signal at all. */
bool plx__signals_are_used(void);
/* EPIPE's companion, for the calling thread. */
void plx__signal_broken_pipe(void);
void plx__signal_post(int number);
/* How a signal came. */
typedef struct plx__signal_cause {
    int code;                        /* SI_... */
    void *value;                     /* A union sigval. */
    struct plx__timer_signal *timer; /* NULL: it is not of a timer (signal_queue.h). */
    int overrun;                     /* Of a timer's, when it is taken. */
} plx__signal_cause;
/* One of these that waits, which is then taken; 0: none does. */
int plx__signal_take(plx__sigset set, plx__signal_cause *cause_out);
/* The same as plx__signal_set(), with more of how it came. */
bool plx__signal_set_cause(int number, plx__signal_cause cause);
bool plx__signals_wait(plx__sigset set);
/* From now on the console's events are signals, also when nothing handles them. */
void plx__signals_connect(void);
/* The same in two steps: it is there, if anybody wants it; and somebody sees to it. */
bool plx__signal_set(int number);
void plx__signal_attend(int number);
plx__sigset plx__signals_mask(void);
/* Those that this process ignores, as a child of its does then. */
plx__sigset plx__signals_ignored(void);
/* What a child starts with. */
void plx__signals_inherit(plx__sigset mask, plx__sigset ignored);
/* Nobody is to be told of the ends of children: they are gone without a wait. */
bool plx__signals_drop_children(void);
void plx__signals_mask_set(plx__sigset mask);
/* Sends it to this process, and so to the calling thread unless that blocks it: 0 or -EINVAL,
 * -EAGAIN. */
int plx__signal_self(int number, plx__signal_cause cause);

/* Calls of higher folders. process/start.c fills this in together with plx__fd_hook. */
typedef struct plx__signal_hooks {
    /* Tells the parent that this process ends by the signal (process/inherited.c). */
    void (*die)(int number);
    /* Reports the child that ended last, as siginfo_t does (process/children.c). */
    void (*child_last)(int *process_out, int *code_out, int *status_out);
} plx__signal_hooks;

extern plx__signal_hooks plx__signal_hook;

#endif
