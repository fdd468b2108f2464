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
_Static_assert(offsetof(plx__wheel_list, next) == offsetof(plx__wheel_node, next) &&
                   offsetof(plx__wheel_list, previous) == offsetof(plx__wheel_node, previous),
               "a list's head stands in the ring like a node");

static plx__wheel_node *head_of(plx__wheel_list *list)
{
    return (plx__wheel_node *)(void *)list;
}

static void list_init(plx__wheel_list *list)
{
    list->next = list->previous = head_of(list);
}

static bool list_is_empty(plx__wheel_list *list)
{
    return list->next == head_of(list);
}

static void list_append(plx__wheel_list *list, plx__wheel_node *node)
{
    node->next = head_of(list);
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
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
    if (!list_is_empty(&wheel->due))
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
    list_init(&wheel->due);
    for (uint32_t level = 0; level < PLX__WHEEL_LEVELS; level++)
        wheel->occupied[level] = 0;
    for (uint32_t i = 0; i < PLX__WHEEL_LEVELS * PLX__WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
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
    list_append(&wheel->slots[level * PLX__WHEEL_SLOTS + digit], node);
    wheel->occupied[level] |= UINT64_C(1) << digit;
    wheel->levels |= 1u << level;
}

void plx__wheel_add(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns)
{
    uint64_t tick = tick_of(deadline_ns);
    PLX_ASSERT(node->next == NULL);
    node->deadline_ns = deadline_ns;
    node->order = wheel->order++;
    slot_add(wheel, node, tick > wheel->now_tick ? tick : wheel->now_tick + 1);
    wheel->count++;
}

bool plx__wheel_postpone(plx__wheel *wheel, plx__wheel_node *node, uint64_t deadline_ns)
{
    PLX_ASSERT(node->next != NULL);
    if (deadline_ns < node->deadline_ns || node->deadline_ns <= wheel->now_tick
                                                                    << PLX__WHEEL_TICK_SHIFT)
        return false;
    node->deadline_ns = deadline_ns;
    node->order = wheel->order++;
    return true;
}

/* The slot of which the node is the only one, or NULL. */
static plx__wheel_list *slot_of_last(plx__wheel *wheel, plx__wheel_node *node)
{
    if (node->next != node->previous)
        return NULL;
    plx__wheel_list *list = (plx__wheel_list *)(void *)node->next;
    return list != &wheel->due ? list : NULL;
}

void plx__wheel_remove(plx__wheel *wheel, plx__wheel_node *node)
{
    PLX_ASSERT(node->next != NULL);
    plx__wheel_list *slot = slot_of_last(wheel, node);
    node->next->previous = node->previous;
    node->previous->next = node->next;
    node->next = node->previous = NULL;
    wheel->count--;
    if (slot == NULL) {
        if (wheel->next_ns == 0)
            next_set(wheel); /* It may have been the last that was due. */
        return;
    }
    uint32_t index = (uint32_t)(slot - wheel->slots);
    uint32_t level = index / PLX__WHEEL_SLOTS;
    wheel->occupied[level] &= ~(UINT64_C(1) << index % PLX__WHEEL_SLOTS);
    if (wheel->occupied[level] == 0)
        wheel->levels &= ~(1u << level);
    next_set(wheel);
}

static bool comes_before(const plx__wheel_node *left, const plx__wheel_node *right)
{
    if (left->deadline_ns != right->deadline_ns)
        return left->deadline_ns < right->deadline_ns;
    return left->order < right->order;
}

/* Whether the nodes behind `before` are in their order. */
static bool is_sorted(const plx__wheel *wheel, const plx__wheel_node *before)
{
    const plx__wheel_node *head = (const plx__wheel_node *)(const void *)&wheel->due;
    for (const plx__wheel_node *node = before->next; node->next != head; node = node->next) {
        if (!comes_before(node, node->next))
            return false;
    }
    return true;
}

/* Merges two chains that end in NULL; `previous` is not kept up. */
static plx__wheel_node *chains_merge(plx__wheel_node *left, plx__wheel_node *right)
{
    plx__wheel_node *merged = NULL;
    plx__wheel_node **end = &merged;
    while (left != NULL && right != NULL) {
        plx__wheel_node **first = comes_before(left, right) ? &left : &right;
        *end = *first;
        end = &(*first)->next;
        *first = (*first)->next;
    }
    *end = left != NULL ? left : right;
    return merged;
}

/* Sorts the due nodes behind `before`: those of one tick, which stand in the order in which they
 * came and not in that of their deadlines. A merge sort from below: run N holds 2^N nodes or none.
 */
static void due_sort(plx__wheel *wheel, plx__wheel_node *before)
{
    plx__wheel_node *runs[64] = {NULL};
    plx__wheel_node *head = head_of(&wheel->due);
    for (plx__wheel_node *node = before->next, *next; node != head; node = next) {
        uint32_t run = 0;
        next = node->next;
        node->next = NULL;
        for (; runs[run] != NULL; run++) {
            node = chains_merge(runs[run], node);
            runs[run] = NULL;
        }
        runs[run] = node;
    }
    plx__wheel_node *sorted = NULL;
    for (uint32_t run = 0; run < 64; run++)
        sorted = chains_merge(runs[run], sorted);
    before->next = head;
    head->previous = before;
    for (plx__wheel_node *next; sorted != NULL; sorted = next) {
        next = sorted->next;
        list_append(&wheel->due, sorted);
    }
}

/* Empties the slot at which the wheel has arrived: what is due becomes so, the rest goes to finer
 * levels. */
static void slot_spill(plx__wheel *wheel, uint32_t level, uint32_t digit)
{
    plx__wheel_list *slot = &wheel->slots[level * PLX__WHEEL_SLOTS + digit];
    plx__wheel_node *node = slot->next;
    list_init(slot);
    wheel->occupied[level] &= ~(UINT64_C(1) << digit);
    if (wheel->occupied[level] == 0)
        wheel->levels &= ~(1u << level);
    for (plx__wheel_node *next; node != head_of(slot); node = next) {
        uint64_t tick = tick_of(node->deadline_ns);
        next = node->next;
        if (tick <= wheel->now_tick)
            list_append(&wheel->due, node);
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
        plx__wheel_node *before = wheel->due.previous;
        wheel->now_tick = start;
        slot_spill(wheel, level, digit);
        if (before->next != head_of(&wheel->due) && !is_sorted(wheel, before))
            due_sort(wheel, before);
    }
    if (target_tick > wheel->now_tick)
        wheel->now_tick = target_tick;
    next_set(wheel);
}

plx__wheel_node *plx__wheel_take(plx__wheel *wheel)
{
    if (list_is_empty(&wheel->due))
        return NULL;
    plx__wheel_node *node = wheel->due.next;
    plx__wheel_remove(wheel, node);
    return node;
}
