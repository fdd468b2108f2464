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

#include "tests/harness.h"

enum { POSTGRES_ROWS = 20000, POSTGRES_SESSIONS = 16 };

/* What it does when somebody connects, instead of greeting. */
enum postgres_mood { POSTGRES_KIND, POSTGRES_SILENT, POSTGRES_LEAVES };

typedef struct postgres_session {
    struct postgres *server;
    plx_conn conn;
    bool has_started;
    size_t copied;
} postgres_session;

/* Static in each case: the loop closes its connections after the case has returned. */
typedef struct postgres {
    char address[PLX_ADDRESS_TEXT_MAX];
    enum postgres_mood mood;
    postgres_session sessions[POSTGRES_SESSIONS];
    size_t opened, closed; /* Sessions. */
    size_t asked;          /* Statements. */
    size_t encryptions;    /* That were asked for, and declined. */
    size_t farewells;      /* Sessions that the client ended in order. */
} postgres;

void postgres_open(plx_loop *loop, postgres *p);
unsigned postgres_port(const char *address);
/* Sends the last session a notification. */
void postgres_notify(plx_loop *loop, postgres *p, const char *channel, const char *payload);

#endif
