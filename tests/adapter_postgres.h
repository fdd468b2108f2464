/* tests/adapter_postgres.h - a small server of PostgreSQL's protocol 3.0, for libpq to talk to.
 *
 * Source of the protocol: PostgreSQL's documentation, "Frontend/Backend Protocol", "Message
 * Formats". Its statements are its own:
 *
 *   ONE               a row with "1"
 *   TWO               two results, one row each
 *   COUNT ...         a row with the length of the statement
 *   ROWS              POSTGRES_ROWS rows
 *   WRONG             an error
 *   HANG              nothing
 *   HALF, RESET       a part of a row, and the end; a reset
 *   GARBAGE           what is no message
 *   COPYIN            takes rows, and tells how many
 *   COPYOUT           begins to send rows
 */
#ifndef ADAPTER_POSTGRES_H
#define ADAPTER_POSTGRES_H

#include "tests/adapter_fixture.h"

enum { POSTGRES_ROWS = 20000, POSTGRES_SESSIONS = 16 };

/* What it does when somebody connects, instead of greeting. */
enum postgres_mood { POSTGRES_KIND, POSTGRES_SILENT, POSTGRES_LEAVES };

typedef struct postgres_session {
    plx_conn conn;
    bool has_started;
    size_t copied;
} postgres_session;

/* What the_server has besides: `asked` counts statements. */
typedef struct postgres {
    enum postgres_mood mood; /* Set it when the server is open. */
    postgres_session sessions[POSTGRES_SESSIONS];
    size_t encryptions; /* That were asked for, and declined. */
    size_t farewells;   /* Sessions that the client ended in order. */
} postgres;

extern postgres the_postgres;

/* Has the_server speak it. */
void postgres_open(world *w);
/* Sends the last session a notification. */
void postgres_notify(plx_loop *loop, const char *channel, const char *payload);

#endif
