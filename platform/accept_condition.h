/* platform/accept_condition.h - listeners that decide before a connection is complete.
 *
 * Windows alone has that. Elsewhere nothing can be prepared, and nobody is asked.
 */
#ifndef PLX__ACCEPT_CONDITION_H
#define PLX__ACCEPT_CONDITION_H

#include "platform/platform.h"

/* Whom plx__socket_accept() asks. `peer` or `own` has the family NONE where the system does not
 * tell it. On the thread that accepts; any thread may add and remove others meanwhile. */
typedef struct plx__accept_condition {
    plx_socket listener;
    bool (*admits)(struct plx__accept_condition *condition, const plx__address *peer,
                   const plx__address *own);
    bool was_asked; /* About the connection that was accepted last; whoever reads it resets it. */
    struct plx__accept_condition *next;
} plx__accept_condition;

#ifdef _WIN32
/* Of a socket that does not listen yet: its connections wait for a decision. 0 or a code. */
int plx__accept_condition_prepare(plx_socket socket);
void plx__accept_condition_add(plx__accept_condition *condition);
/* Nothing happens if it was not added. */
void plx__accept_condition_remove(plx__accept_condition *condition);
/* accept(), which asks. For plx__socket_accept(), which then returns PLX_ECONNREFUSED for whoever
 * was refused. */
plx_socket plx__accept_condition_accept(plx_socket listener);
#else
static inline int plx__accept_condition_prepare(plx_socket socket)
{
    (void)socket;
    return PLX_ENOSYS;
}

static inline void plx__accept_condition_add(plx__accept_condition *condition)
{
    (void)condition;
}

static inline void plx__accept_condition_remove(plx__accept_condition *condition)
{
    (void)condition;
}
#endif

#endif
