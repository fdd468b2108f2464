/* core/listener.h - a listener, as the loop sees it. */
#ifndef PLX__LISTENER_H
#define PLX__LISTENER_H

#include <pollux/listener.h>

#include "core/loop.h"
#include "core/shared_options.h"
#include "platform/accept_condition.h"

typedef struct plx__listener {
    plx__object object; /* First. */
    plx__shared_options *shared;
    void *conn_data;
    plx_listener_error_fn on_error;
    plx_accept_fn on_accept;         /* NULL: each becomes a connection. */
    plx_peer_fn on_peer;             /* NULL: everybody is let in. */
    void *data;                      /* Of the three. */
    plx__accept_condition condition; /* With `listener` NONE: the system asks nothing. */
    plx__wheel_node retry;           /* Set while it pauses for want of descriptors or memory. */
    plx__socket_path *path;          /* The socket file, to be removed at the end; or NULL. */
    plx__accept_config accept;
    bool is_accepting;
    bool is_paused;    /* By its user. */
    bool is_finishing; /* It accepts no more, and closes when all that was accepted has opened. */
    bool has_retried;  /* Since it last accepted one. */
    bool is_lost;      /* Its descriptor is not its own any more. Detached already; on_error is due,
                        * unless it closes. */
    uint8_t aborts;    /* Accepts in a row that failed as if one connection only had. */
} plx__listener;

/* For listen.c, which makes listeners. */
plx_listener plx__listener_handle(const plx__listener *listener);
/* Has it accept, or stop, as it should now: 0, or why it cannot start. */
int plx__listener_update(plx_loop *loop, plx__listener *listener);
void plx__listener_retry(plx_loop *loop, plx__wheel_node *node);
void plx__listener_close(plx_loop *loop, plx__object *object);

/* accept_condition.c */

/* The system is to ask on_peer, where it can. */
void plx__listener_condition_open(plx__listener *listener);
/* Whether on_peer lets in who has been accepted, as far as it has not said so already. */
bool plx__listener_admits(const plx_loop *loop, plx__listener *listener, plx_socket accepted);

void plx__listener_accepted(plx_loop *loop, plx__listener *listener,
                            const plx__completion *completion);

extern const plx__class plx__listener_class;

#endif
