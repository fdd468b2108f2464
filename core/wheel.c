/* core/wheel.c - owns no node; nodes live in what they are the deadline of.
 *
 * A tick is written in base 64. A node stands on the level of the highest digit in which its tick
 * differs from the present one, in the slot of that digit. So all slots in use lie ahead of the
 * present digit of their level, and the lowest slot of the lowest level in use is the next event:
 * finding it takes two bit scans. (The same idea: William Ahern's "timeout.c".)
 */
#include "core/wheel.h"

#include <stddef.h>

#include "core/assert.h"
#include "platform/platform.h"

#define TICK_MAX (UINT64_MAX >> PLX__WHEEL_TICK_SHIFT)

_Static_assert(1u << PLX__WHEEL_LEVEL_SHIFT == PLX__WHEEL_SLOTS, "one digit names one slot");
_Static_assert(PLX__WHEEL_LEVEL_SHIFT *PLX__WHEEL_LEVELS + PLX__WHEEL_TICK_SHIFT >= 64,
               "every deadline has a place");
_Static_assert(offsetof(plx__wheel_node, links) == 0, "a node's links tell where the node is");

/* The node of these links, which must not be a ring's head. */
static plx__wheel_node *node_of(plx__wheel_links *links)
{
    return (plx__wheel_node *)(void *)links;
}

static const plx__wheel_node *node_of_const(const plx__wheel_links *links)
{
    return (const plx__wheel_node *)(const void *)links;
}

static void ring_init(plx__wheel_links *head)
{
    head->next = head->previous = head;
}

static bool ring_is_empty(const plx__wheel_links *head)
{
    return head->next == head;
}

static void ring_append(plx__wheel_links *head, plx__wheel_links *links)
{
    links->next = head;
    links->previous = head->previous;
    head->previous->next = links;
    head->previous = links;
}

static uint64_t tick_of(uint64_t deadline_ns)
{
    uint64_t tick = deadline_ns >> PLX__WHEEL_TICK_SHIFT;
    uint64_t rest = deadline_ns & ((1u << PLX__WHEEL_TICK_SHIFT) - 1);
    return rest != 0 && tick < TICK_MAX ? tick + 1 : tick;
}

/* The next event of a wheel that has nodes ahead: the tick at which the first slot in use begins.
 */
static uint64_t next_tick(const plx__wheel *wheel, uint32_t *level_out, uint32_t *digit_out)
{
    uint32_t level = plx__bits_lowest(wheel->levels);
    uint32_t digit = plx__bits_lowest(wheel->occupied[level]);
    uint32_t shift = PLX__WHEEL_LEVEL_SHIFT * level;
    uint64_t above = wheel->now_tick >> shift >> PLX__WHEEL_LEVEL_SHIFT << PLX__WHEEL_LEVEL_SHIFT;
    *level_out = level;
    *digit_out = digit;
    return (above | digit) << shift;
}

static void next_set(plx__wheel *wheel)
{
    uint32_t level;
    uint32_t digit;
    if (!ring_is_empty(&wheel->due))
        wheel->next_ns = 0;
    else if (wheel->levels == 0)
        wheel->next_ns = UINT64_MAX;
    else
        wheel->next_ns = next_tick(wheel, &level, &digit) << PLX__WHEEL_TICK_SHIFT;
}

void plx__wheel_init(plx__wheel *wheel, uint64_t now_ns)
{
    wheel->now_tick = now_ns >> PLX__WHEEL_TICK_SHIFT;
    wheel->order = 0;
    wheel->count = 0;
    wheel->levels = 0;
    wheel->next_ns = UINT64_MAX;
    wheel->recent_span_ns = 0;
    ring_init(&wheel->due);
    for (uint32_t level = 0; level < PLX__WHEEL_LEVELS; level++)
        wheel->occupied[level] = 0;
    for (uint32_t i = 0; i < PLX__WHEEL_LEVELS * PLX__WHEEL_SLOTS; i++)
        ring_init(&wheel->slots[i]);
}

/* Puts a node whose tick lies ahead into its slot. */
static void slot_add(plx__wheel *wheel, plx__wheel_node *node, uint64_t tick)
{
    PLX_ASSERT(tick > wheel->now_tick);
    uint32_t level = plx__bits_highest(tick ^ wheel->now_tick) / PLX__WHEEL_LEVEL_SHIFT;
    uint32_t shift = PLX__WHEEL_LEVEL_SHIFT * level;
    uint32_t digit = (uint32_t)(tick >> shift) % PLX__WHEEL_SLOTS;
    uint64_t start_ns = tick >> shift << shift << PLX__WHEEL_TICK_SHIFT;
    if (start_ns < wheel->next_ns)
        wheel->next_ns = start_ns;
    plx__wheel_links *slot = &wheel->slots[level * PLX__WHEEL_SLOTS + digit];
    ring_append(slot, &node->links);
    wheel->occupied[level] |= UINT64_C(1) << digit;
    wheel->levels |= 1u << level;
    wheel->recent = slot;
    wheel->recent_ns = start_ns;
    wheel->recent_span_ns = (((UINT64_C(1) << shift) - 1) << PLX__WHEEL_TICK_SHIFT) + 1;
}

void plx__wheel_add(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns)
{
    PLX_ASSERT(node->links.next == NULL);
    node->deadline_ns = deadline_ns;
    node->order = wheel->order++;
    wheel->count++;
    if (deadline_ns - wheel->recent_ns < wheel->recent_span_ns) {
        ring_append(wheel->recent, &node->links);
        return;
    }
    uint64_t tick = tick_of(deadline_ns);
    slot_add(wheel, node, tick > wheel->now_tick ? tick : wheel->now_tick + 1);
}

bool plx__wheel_postpone(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns)
{
    PLX_ASSERT(node->links.next != NULL);
    if (deadline_ns < node->deadline_ns || node->deadline_ns <= wheel->now_tick
                                                                    << PLX__WHEEL_TICK_SHIFT)
        return false;
    node->deadline_ns = deadline_ns;
    node->order = wheel->order++;
    return true;
}

/* The slot of which the node is the only one, or NULL. */
static plx__wheel_links *slot_of_last(plx__wheel *wheel, plx__wheel_node *node)
{
    plx__wheel_links *head = node->links.next;
    return head == node->links.previous && head != &wheel->due ? head : NULL;
}

void plx__wheel_remove(plx__wheel *wheel, plx__wheel_node *node)
{
    PLX_ASSERT(node->links.next != NULL);
    plx__wheel_links *slot = slot_of_last(wheel, node);
    node->links.next->previous = node->links.previous;
    node->links.previous->next = node->links.next;
    node->links.next = node->links.previous = NULL;
    wheel->count--;
    if (slot == NULL) {
        if (wheel->next_ns == 0)
            next_set(wheel); /* It may have been the last that was due. */
        return;
    }
    wheel->recent_span_ns = 0; /* Of this slot, perhaps. */
    uint32_t index = (uint32_t)(slot - wheel->slots);
    uint32_t level = index / PLX__WHEEL_SLOTS;
    wheel->occupied[level] &= ~(UINT64_C(1) << index % PLX__WHEEL_SLOTS);
    if (wheel->occupied[level] == 0)
        wheel->levels &= ~(1u << level);
    next_set(wheel);
}

static bool comes_before(const plx__wheel_links *left_links, const plx__wheel_links *right_links)
{
    const plx__wheel_node *left = node_of_const(left_links);
    const plx__wheel_node *right = node_of_const(right_links);
    if (left->deadline_ns != right->deadline_ns)
        return left->deadline_ns < right->deadline_ns;
    return (int32_t)(left->order - right->order) < 0;
}

/* Whether the due nodes behind `before` are in their order. */
static bool is_sorted(const plx__wheel *wheel, const plx__wheel_links *before)
{
    const plx__wheel_links *head = &wheel->due;
    for (const plx__wheel_links *one = before->next; one->next != head; one = one->next) {
        if (!comes_before(one, one->next))
            return false;
    }
    return true;
}

/* Merges two chains of nodes that end in NULL; `previous` is not updated. */
static plx__wheel_links *chains_merge(plx__wheel_links *left, plx__wheel_links *right)
{
    plx__wheel_links *merged = NULL;
    plx__wheel_links **end = &merged;
    while (left != NULL && right != NULL) {
        plx__wheel_links **first = comes_before(left, right) ? &left : &right;
        *end = *first;
        end = &(*first)->next;
        *first = (*first)->next;
    }
    *end = left != NULL ? left : right;
    return merged;
}

/* Sorts the due nodes behind `before`: those of one tick, which are in the order in which they were
 * added and not in that of their deadlines. A bottom-up merge sort: run N has 2^N nodes or none. */
static void due_sort(plx__wheel *wheel, plx__wheel_links *before)
{
    plx__wheel_links *runs[64] = {NULL};
    plx__wheel_links *head = &wheel->due;
    for (plx__wheel_links *one = before->next, *next; one != head; one = next) {
        uint32_t run = 0;
        next = one->next;
        one->next = NULL;
        for (; runs[run] != NULL; run++) {
            one = chains_merge(runs[run], one);
            runs[run] = NULL;
        }
        runs[run] = one;
    }
    plx__wheel_links *sorted = NULL;
    for (uint32_t run = 0; run < 64; run++)
        sorted = chains_merge(runs[run], sorted);
    head->previous = before; /* ring_append() links `before` to the first node. */
    for (plx__wheel_links *next; sorted != NULL; sorted = next) {
        next = sorted->next;
        ring_append(head, sorted);
    }
}

/* Empties the slot at which the wheel has arrived: what is due becomes so, the rest goes to finer
 * levels. */
static void slot_spill(plx__wheel *wheel, uint32_t level, uint32_t digit)
{
    plx__wheel_links *slot = &wheel->slots[level * PLX__WHEEL_SLOTS + digit];
    plx__wheel_links *links = slot->next;
    ring_init(slot);
    wheel->recent_span_ns = 0; /* Of this slot, perhaps. */
    wheel->occupied[level] &= ~(UINT64_C(1) << digit);
    if (wheel->occupied[level] == 0)
        wheel->levels &= ~(1u << level);
    for (plx__wheel_links *next; links != slot; links = next) {
        plx__wheel_node *node = node_of(links);
        uint64_t tick = tick_of(node->deadline_ns);
        next = links->next;
        if (tick <= wheel->now_tick)
            ring_append(&wheel->due, links);
        else
            slot_add(wheel, node, tick);
    }
}

void plx__wheel_turn(plx__wheel *wheel, uint64_t target_tick)
{
    while (wheel->levels != 0) {
        uint32_t level;
        uint32_t digit;
        uint64_t start = next_tick(wheel, &level, &digit);
        PLX_ASSERT(start > wheel->now_tick);
        if (start > target_tick)
            break;
        plx__wheel_links *before = wheel->due.previous;
        wheel->now_tick = start;
        slot_spill(wheel, level, digit);
        if (before->next != &wheel->due && !is_sorted(wheel, before))
            due_sort(wheel, before);
    }
    if (target_tick > wheel->now_tick)
        wheel->now_tick = target_tick;
    next_set(wheel);
}

plx__wheel_node *plx__wheel_take(plx__wheel *wheel)
{
    if (ring_is_empty(&wheel->due))
        return NULL;
    plx__wheel_node *node = node_of(wheel->due.next);
    plx__wheel_remove(wheel, node);
    return node;
}
