/* core/object.h - the classes of objects: what the loop calls, whatever the object is.
 *
 * The turn, opening, closing and forking know classes alone. core/classes.c is the one file that
 * names them all.
 */
#ifndef PLX__OBJECT_H
#define PLX__OBJECT_H

#include "core/slab.h"

typedef void plx__object_fn(plx_loop *loop, plx__object *object);

/* What concerns all objects of a class, or none. */
enum plx__event {
    PLX__SIGNALS_DUE,
    PLX__STEP_OVER,     /* The deferred step: queues may have room again. */
    PLX__TURN_WAS_LONG, /* At its end: it took PLX__TURN_LONG_NS or more. */
    PLX__SLOTS_GONE,    /* The last slot for a connection is taken. */
    PLX__SLOTS_LEFT     /* There is one again. */
};

/* Whose deadline a node of the wheel is: plx__fired (core/classes.h) has a function for each. */
enum plx__deadline_kind {
    PLX__DEADLINE_TIMER,
    PLX__DEADLINE_CONN,
    PLX__DEADLINE_CONN_DUE, /* Of a connection whose timeout was due before the last wait. */
    PLX__DEADLINE_PACE,
    PLX__DEADLINE_SEND_RETRY,
    PLX__DEADLINE_LISTENER_RETRY,
    PLX__DEADLINE_KINDS
};

/* NULL where a class has no use for it. */
typedef struct plx__class {
    size_t bytes;             /* Of an object. */
    bool has_endpoint;        /* It has a socket, and the backend's bytes in front of it. */
    plx__object_fn *close;    /* The loop closes, and the object with it. */
    plx__object_fn *lost;     /* Somebody else closed its descriptor, which is left alone. */
    plx__object_fn *detached; /* PLX__DETACHED. */
    plx__object_fn *released; /* PLX__RELEASED. */
    plx__object_fn *deferred; /* What plx__defer() asked for. */
    plx__object_fn *drop;     /* In a forked child: the parent's object stays as it is. */
    /* For the class as a whole. */
    void (*on_event)(plx_loop *loop, enum plx__event event);
} plx__class;

/* From so long a turn on, what happened in it counts as happening at its end. What a shorter turn
 * takes from a timeout is nothing to one that anybody sets. */
#define PLX__TURN_LONG_NS (10 * PLX_MILLISECOND)

/* Has the class's `deferred` called for the object in the next deferred step; once, however often
 * it is asked for. */
void plx__defer(plx_loop *loop, plx__object *object);
/* For plx_timer_set_background() and its like: 0 or PLX_ESTALE. */
int plx__set_background(plx_loop *loop, enum plx__kind kind, uint64_t bits, bool is_background);
/* The object closes, which is for the loop to finish before its run ends. */
void plx__leave_background(plx_loop *loop, plx__object *object);
/* Calls `call` for every slot that is taken, kind by kind in the order of plx__kind. */
void plx__objects_each(plx_loop *loop, plx__object_fn *call);
/* Tells every class. */
PLX__SLOW void plx__classes_tell(plx_loop *loop, enum plx__event event);
/* The descriptor of the object that this entry of the map names is closed, or another's by now. It
 * is told that, and the descriptor is left alone. */
PLX__SLOW void plx__socket_lost(plx_loop *loop, uint32_t owner);
/* In a forked child, which closes its copy: the parent has the socket too, so the peer does not
 * learn of this. One that is detached has none any more; the number of one that was lost is
 * another's. */
void plx__socket_drop(const plx_loop *loop, plx_socket socket, bool is_lost);

#endif
