/* tools/serve_live.h - the line of counters that `pollux serve` prints each second, and notes
 * beside it. */
#ifndef TOOLS_SERVE_LIVE_H
#define TOOLS_SERVE_LIVE_H

#include "platform/platform.h"
#include "tools/serve_counters.h"

enum serve_live_when {
    SERVE_LIVE_AUTO, /* If standard error is a terminal. */
    SERVE_LIVE_ALWAYS,
    SERVE_LIVE_NEVER
};

typedef struct serve_live {
    enum serve_live_when when;
    serve_counters *counters;
    bool is_terminal;
    bool is_running;
    plx__thread thread;
    plx__mutex mutex;
    plx__condition condition; /* It is to end. */
    bool is_ending;           /* Under the mutex. */
} serve_live;

/* Takes the value of --live. Returns a command_exit. */
int serve_live_take(serve_live *l, const char *when);
/* Whether it is to print, and needs counters. */
bool serve_live_is_wanted(const serve_live *l);
/* With counters that are open: prints the header, and from now on a line each second, on a thread
 * of its own. 0, PLX_ENOMEM or PLX_ELIMIT. */
int serve_live_run(serve_live *l, serve_counters *counters);
/* Prints no more, and leaves the last line where it is. Harmless when it does not run. */
void serve_live_stop(serve_live *l);

/* Prints "pollux serve: " and the text on standard error, instead of a line that is there: the
 * next one follows below. Any thread. */
#if defined __MINGW32__
__attribute__((format(gnu_printf, 1, 2)))
#elif defined __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void serve_note(const char *format, ...);

#endif
