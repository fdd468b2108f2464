/* tests/sim_guests.h - clients of a server of every kind, and the connections that serve them.
 *
 * They may begin with a header of the PROXY protocol, cut anywhere. What they send after it they
 * get back, from connections that become others at any moment (plx_conn_become()). What follows is
 * what the files of such a run share; sim_seeds calls the last function alone.
 */
#ifndef SIM_GUESTS_H
#define SIM_GUESTS_H

#include <pollux/pollux.h>

#include "tests/sim_work.h"

enum { GUESTS_MAX = 6, FORMS_MAX = 8, GUEST_HEADER_MAX = 700 };

/* What a guest does, and so what must become of it. */
enum guest_kind {
    GUEST_WHOLE,  /* It sends everything, and gets all of it back. */
    GUEST_LEAVES, /* It closes or resets its connection anywhere. */
    GUEST_SLOW,   /* It sends far below the receive rate. */
    /* Only where headers are awaited: */
    GUEST_UNWANTED, /* The server refuses it for what its header tells. */
    GUEST_STRANGER, /* Its address is not trusted. */
    GUEST_WRONG,    /* It begins with something else than a header. */
    GUEST_LONG,     /* Its header is longer than the server allows. */
    GUEST_ENDLESS,  /* Its header never ends. */
    GUEST_CUT,      /* It ends its side in the middle of the header, */
    GUEST_MUTE,     /* or before. */
    GUEST_KINDS
};

/* How much befalls a run. */
enum guests_weather {
    GUESTS_CALM, /* Nothing: times are checked, too. */
    GUESTS_SURE, /* What changes when things happen, and not what becomes of them. */
    GUESTS_WILD  /* Everything. */
};

typedef struct guest guest;

/* What the callbacks of a served connection get as `data`: a new one each time it becomes another.
 */
typedef struct session_form {
    guest *of;
} session_form;

/* The server's end of a guest's connection. */
typedef struct session {
    session_form forms[FORMS_MAX];
    uint32_t form; /* Which one it has now. */
    plx_loop *loop;
    plx_conn conn;
    plx_timer timer;
    uint64_t seen, shown; /* Bytes that on_data has consumed, and was shown. */
    uint64_t show_tick;   /* The turn from which on what is unconsumed has to be shown. */
    uint32_t headers, opened, closed, gone, refused;
    int reason;                 /* Of on_close, or of the refusal. */
    bool is_to_show;            /* The present form has not been shown what is unconsumed. */
    bool is_paused, is_refused; /* By us; a write was, and on_drain has not been called since. */
    bool has_end, is_over;      /* Its peer's side has ended; and its own, by a call. */
} session;

struct guest {
    enum guest_kind kind;
    uint32_t number;
    plx_conn conn;
    plx_timer timer;
    char name[PLX_ADDRESS_TEXT_MAX];
    char source[PLX_ADDRESS_TEXT_MAX]; /* What its header tells. */
    unsigned char header[GUEST_HEADER_MAX];
    uint32_t header_length; /* Of what it sends of that, */
    uint32_t payload;       /* and behind it, */
    uint32_t message;       /* in messages of so many bytes. */
    uint32_t leaves_at, next;
    uint64_t sent, got; /* `sent` with the header. */
    uint64_t began_ns;
    int reason;
    bool has_begun, has_opened, has_closed;
    session served;
};

typedef struct guests_scene {
    const sim_limits *limits;
    plx_sim *sim;
    plx_server *server;
    plx_proxy *proxy; /* NULL: no headers. */
    enum guests_weather weather;
    guest guests[GUESTS_MAX];
    uint32_t count;
    uint64_t rate, grace_ns; /* The receive rate that guests keep; 0: there is none. */
    uint64_t header_timeout_ns;
    uint32_t header_max;
    uint64_t timed_out, slow, nameless;
    bool trusts_ipv6; /* And no IPv4; or the other way round. */
    bool has_told, was_stopped, may_cut;
} guests_scene;

extern guests_scene guests;

/* Which guest has this address; NULL: none. */
guest *guests_find(const char *peer);

/* Makes a header that suits the guest's kind, in its `header`. */
void guest_header_make(guest *g);
/* Whether the header that has arrived is what it has sent. */
void guest_header_check(const guest *g, const plx_proxy_header *header);

/* Starts the guest on the loop, now. `on_over` is called when its connection has closed. */
void guest_start(guest *g, plx_loop *loop, const char *address, void (*on_over)(void));

/* The options with which served connections begin: their first form, behind a header if there is
 * one. */
plx_conn_options session_options_first(bool has_headers);
int session_on_header(plx_loop *loop, plx_conn conn, void **data, const plx_proxy_header *header);
void session_on_refused(plx_loop *loop, plx_conn conn, void *data, int reason);
int session_on_draining(plx_loop *loop, plx_conn conn, void *data);
/* What must hold of both ends at last. */
void session_check(const guest *g);

/* What runs did, added up. */
typedef struct sim_guests_counts {
    uint64_t guests, served, headers, refused, timed_out, forms, slow;
} sim_guests_counts;

extern sim_guests_counts sim_guests_count;

/* Runs one seed. A promise that is broken ends the process by abort(). Of the limits, `bytes` has
 * no effect. */
void sim_guests_run(uint64_t seed, const sim_limits *limits);

#endif
