/* core/wheel.h - a hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing
 * Wheels", 1987): nine levels of 64 slots, each level 64 times as coarse as the one below.
 *
 * Adding and removing a node cost O(1). A node falls through at most eight levels in its life, at
 * times when the wheel advances anyway. One tick of the finest level is 1,024 ns, to which
 * deadlines are rounded up, so that nothing comes early.
 */
#ifndef PLX__WHEEL_H
#define PLX__WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include <pollux/types.h>

#include "core/bits.h"
#include "platform/platform.h"

#define PLX__WHEEL_LEVELS      9u
#define PLX__WHEEL_SLOTS       64u
#define PLX__WHEEL_LEVEL_SHIFT 6u
#define PLX__WHEEL_TICK_SHIFT  10u

/* A ring of nodes goes through the first member of each and through the head, which is links alone.
 * So head and nodes are reached by one type, and no pointer ever names an object of another. */
typedef struct plx__wheel_links {
    struct plx__wheel_links *next;
    struct plx__wheel_links *previous;
} plx__wheel_links;

/* Lives in what it is the deadline of. All zero: in no wheel. */
typedef struct plx__wheel_node {
    plx__wheel_links links;
    uint64_t deadline_ns;
    uint32_t order; /* Decides between equal deadlines: the smaller one was added first. It wraps,
                     * so of two nodes that are 2^31 or more apart either may come first. */
    uint32_t kind;  /* plx__deadline_kind: selects the function in plx__fired. Set before adding. */
} plx__wheel_node;

typedef struct plx__wheel {
    uint64_t now_tick;
    uint32_t order;
    uint64_t count;                       /* Nodes in the wheel, those that are due included. */
    uint64_t next_ns;                     /* What plx__wheel_next_ns() returns. */
    uint64_t occupied[PLX__WHEEL_LEVELS]; /* Bit N: slot N of the level has nodes. */
    uint32_t levels;                      /* Bit N: level N has nodes. */
    /* The slot that a node was added to last, which still has nodes, and the deadlines that belong
     * into it: so many from `recent_ns` on; 0 when there is no such slot. Timeouts of one length
     * follow each other into it. */
    plx__wheel_links *recent;
    uint64_t recent_ns;
    uint64_t recent_span_ns;
    plx__wheel_links due; /* In the order in which they are to fire. */
    plx__wheel_links slots[PLX__WHEEL_LEVELS * PLX__WHEEL_SLOTS];
} plx__wheel;

void plx__wheel_init(plx__wheel *wheel, uint64_t now_ns);
/* Adds a node that is in no wheel. One that is due already comes with the next advance. */
void plx__wheel_add(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns);
/* Gives a node that is in the wheel, and not due, a later deadline; false if it is not later. The
 * node stays where it is, and moves when the wheel comes there: restarting again and again a timer
 * that rarely fires touches nothing but the timer. The wheel may want to be advanced earlier than
 * there is anything to do. */
bool plx__wheel_postpone(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns);
/* Removes a node that is in the wheel, be it due or not. */
void plx__wheel_remove(plx__wheel *wheel, plx__wheel_node *node);
/* The part of plx__wheel_advance() for when the next event has come. */
PLX__SLOW void plx__wheel_turn(plx__wheel *wheel, uint64_t target_tick);
/* Takes the first node that is due, or returns NULL. */
plx__wheel_node *plx__wheel_take(plx__wheel *wheel);
/* When to advance next: no node is due earlier. UINT64_MAX when there is none. It may be earlier
 * than the first deadline, when that stands on a coarse level; advancing then makes it finer. */
static inline uint64_t plx__wheel_next_ns(const plx__wheel *wheel)
{
    return wheel->next_ns; /* Each turn asks twice; there is less to do when it changes. */
}

/* Makes due what is, at `now_ns`. Returns whether anything may be. */
static inline bool plx__wheel_advance(plx__wheel *wheel, uint64_t now_ns)
{
    uint64_t target = now_ns >> PLX__WHEEL_TICK_SHIFT;
    if (plx__wheel_next_ns(wheel) <= now_ns) {
        plx__wheel_turn(wheel, target);
        return true;
    }
    if (target > wheel->now_tick)
        wheel->now_tick = target;
    return false;
}

static inline bool plx__wheel_has(const plx__wheel_node *node)
{
    return node->links.next != 0;
}

#endif
