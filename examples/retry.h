/* retry.h - the server and the client that examples/retry.c runs, on a network or in a simulation.
 *
 * The protocol is lines of text. A client has one connection at a time, which it counts:
 *
 *   hello CLIENT CONNECTION   the first line of a connection
 *   transfer NUMBER UNITS     a request; its answer is
 *   done NUMBER
 *
 * When an answer does not arrive in time, the client sends the request again on a new connection.
 * The request may have been applied all the same: the answer is lost, not the request. So the
 * server remembers the number of the last transfer of each client, and applies none twice.
 */
#ifndef RETRY_H
#define RETRY_H

#include <pollux/pollux.h>

#include <stdbool.h>

#define RETRY_LINE_MAX 64

/* Calls `take` for each whole line, without its line feed; for one that is too long, with "".
 * Returns how many bytes the lines have. */
size_t retry_lines_take(const void *bytes, size_t length,
                        void (*take)(void *data, const char *line), void *data);

enum retry_kind {
    RETRY_SENT,      /* A client has sent a transfer for the first time, */
    RETRY_AGAIN,     /* or again, on a new connection. */
    RETRY_APPLIED,   /* The server has moved the units: what must happen once. */
    RETRY_REPEATED,  /* The server has recognized a repeated transfer, and answers again. */
    RETRY_ANSWERED,  /* The client has the answer. */
    RETRY_FINISHED,  /* The client has all answers. */
    RETRY_GAVE_UP,   /* The client does not know what became of its transfer. */
    RETRY_AWAY,      /* The server knows of no connection of the client any more, */
    RETRY_FORGOTTEN, /* and has forgotten the client after a while. */
};

struct retry_event {
    enum retry_kind kind;
    uint64_t client;
    uint32_t number; /* Of the transfer; for the last two, of the last that was applied. */
    uint32_t units;
};

/* Called for each event. The event is valid until it returns. */
typedef void (*retry_event_fn)(void *data, const struct retry_event *event);

/* Writes the event as a sentence, without a line feed. 128 bytes always suffice. */
void retry_event_text(const struct retry_event *event, char *text, size_t size);

/* --- the server: retry_server.c -------------------------------------------------------------- */

struct retry_server {
    retry_event_fn on_event; /* Set these before retry_server_open(). */
    void *data;              /* For on_event. */
    bool has_bug;
    plx_loop *loop;
    plx_listener listener;
    struct retry_session *first; /* The clients that it remembers. */
};

int retry_server_open(plx_loop *loop, struct retry_server *server, const char *address);

/* Frees what the server remembers. Close its loop first. */
void retry_server_free(struct retry_server *server);

/* --- the client: retry_client.c -------------------------------------------------------------- */

struct retry_client {
    const char *address; /* Set these before retry_client_open(). */
    uint64_t id;         /* No other client has it. */
    uint32_t transfers;  /* How many it makes, one after the other. */
    uint64_t pause_ns;   /* From an answer to the next transfer. */
    retry_event_fn on_event;
    void *data;
    plx_loop *loop;
    plx_conn conn;
    plx_timer timer;      /* The end of the pause, or of the wait for an answer. */
    uint32_t connections; /* How many it has opened. */
    uint32_t number;      /* Of the present transfer. */
    uint64_t since_ns;    /* When it was first sent. */
    bool is_waiting;      /* For its answer. */
};

/* The client closes by itself after the last answer, or when it gives up. */
int retry_client_open(plx_loop *loop, struct retry_client *client);

/* --- the simulation: retry_sim.c ------------------------------------------------------------- */

struct retry_search {
    uint64_t from;
    uint64_t count;
    bool has_bug;
    const char *trace_file; /* NULL: none. */
    const char *json_file;  /* NULL: none. */
};

/* Simulates seed after seed until one fails, and prints what failed. Returns 0, or 1 if one has
 * failed or a file could not be written. */
int retry_search(const struct retry_search *search);

#endif
