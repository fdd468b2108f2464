/* tests/posix/queues.c - the lists of <sys/queue.h>. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

typedef struct node {
    char name;
    SLIST_ENTRY(node) single;
    STAILQ_ENTRY(node) tailed;
    SIMPLEQ_ENTRY(node) simple;
    LIST_ENTRY(node) both;
    TAILQ_ENTRY(node) ended;
} node;

SLIST_HEAD(singles, node);
STAILQ_HEAD(taileds, node);
SIMPLEQ_HEAD(simples, node);
LIST_HEAD(boths, node);
TAILQ_HEAD(endeds, node);

static node nodes[6] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'},
                        {.name = 'd'}, {.name = 'e'}, {.name = 'f'}};

static char names[16];
static node *at;

static void name_add(char name)
{
    size_t length = strlen(names);
    names[length] = name;
    names[length + 1] = '\0';
}

/* The names in the order of the list. */
#define LISTS(EACH, head, field, wanted)                                                           \
    do {                                                                                           \
        names[0] = '\0';                                                                           \
        EACH(at, head, field)                                                                      \
        name_add(at->name);                                                                        \
        check_text(names, wanted, #head);                                                          \
    } while (0)

static void singly_linked(void)
{
    struct singles list = SLIST_HEAD_INITIALIZER(list);
    section("SLIST");
    TRUE(SLIST_EMPTY(&list));
    SLIST_INSERT_HEAD(&list, &nodes[0], single);
    SLIST_INSERT_HEAD(&list, &nodes[1], single);
    SLIST_INSERT_AFTER(&nodes[1], &nodes[2], single);
    LISTS(SLIST_FOREACH, &list, single, "bca");
    TRUE(SLIST_NEXT(&nodes[2], single) == &nodes[0]);
    SLIST_REMOVE(&list, &nodes[2], node, single);
    SLIST_REMOVE(&list, &nodes[1], node, single);
    LISTS(SLIST_FOREACH, &list, single, "a");
    SLIST_REMOVE_HEAD(&list, single);
    TRUE(SLIST_FIRST(&list) == NULL);
    SLIST_INIT(&list);
    TRUE(SLIST_EMPTY(&list));
}

static void with_an_end(void)
{
    struct taileds list = STAILQ_HEAD_INITIALIZER(list);
    struct taileds other;
    section("STAILQ");
    STAILQ_INIT(&other);
    STAILQ_INSERT_TAIL(&list, &nodes[0], tailed);
    STAILQ_INSERT_HEAD(&list, &nodes[1], tailed);
    STAILQ_INSERT_AFTER(&list, &nodes[0], &nodes[2], tailed);
    STAILQ_INSERT_TAIL(&list, &nodes[3], tailed);
    LISTS(STAILQ_FOREACH, &list, tailed, "bacd");
    STAILQ_REMOVE(&list, &nodes[3], node, tailed);
    STAILQ_INSERT_TAIL(&list, &nodes[4], tailed);
    LISTS(STAILQ_FOREACH, &list, tailed, "bace");
    STAILQ_REMOVE_HEAD(&list, tailed);
    STAILQ_CONCAT(&list, &other);
    STAILQ_INSERT_HEAD(&other, &nodes[5], tailed);
    STAILQ_CONCAT(&list, &other);
    STAILQ_INSERT_TAIL(&list, &nodes[3], tailed);
    LISTS(STAILQ_FOREACH, &list, tailed, "acefd");
    TRUE(STAILQ_EMPTY(&other));
    while (!STAILQ_EMPTY(&list))
        STAILQ_REMOVE_HEAD(&list, tailed);
    STAILQ_INSERT_TAIL(&list, &nodes[0], tailed);
    TRUE(STAILQ_FIRST(&list) == &nodes[0] && STAILQ_NEXT(&nodes[0], tailed) == NULL);
}

static void simple(void)
{
    struct simples list = SIMPLEQ_HEAD_INITIALIZER(list);
    section("SIMPLEQ");
    SIMPLEQ_INSERT_HEAD(&list, &nodes[0], simple);
    SIMPLEQ_INSERT_TAIL(&list, &nodes[1], simple);
    SIMPLEQ_INSERT_AFTER(&list, &nodes[1], &nodes[2], simple);
    SIMPLEQ_INSERT_TAIL(&list, &nodes[3], simple);
    LISTS(SIMPLEQ_FOREACH, &list, simple, "abcd");
    SIMPLEQ_REMOVE(&list, &nodes[3], node, simple);
    SIMPLEQ_INSERT_TAIL(&list, &nodes[4], simple);
    SIMPLEQ_REMOVE_HEAD(&list, simple);
    LISTS(SIMPLEQ_FOREACH, &list, simple, "bce");
    TRUE(SIMPLEQ_NEXT(SIMPLEQ_FIRST(&list), simple) == &nodes[2]);
    SIMPLEQ_INIT(&list);
    TRUE(SIMPLEQ_EMPTY(&list));
}

static void doubly_linked(void)
{
    struct boths list = LIST_HEAD_INITIALIZER(list);
    section("LIST");
    LIST_INSERT_HEAD(&list, &nodes[0], both);
    LIST_INSERT_HEAD(&list, &nodes[1], both);
    LIST_INSERT_AFTER(&nodes[1], &nodes[2], both);
    LIST_INSERT_BEFORE(&nodes[1], &nodes[3], both);
    LIST_INSERT_AFTER(&nodes[0], &nodes[4], both);
    LISTS(LIST_FOREACH, &list, both, "dbcae");
    LIST_REMOVE(&nodes[2], both);
    LIST_REMOVE(&nodes[4], both);
    LIST_REMOVE(&nodes[3], both);
    LISTS(LIST_FOREACH, &list, both, "ba");
    TRUE(LIST_NEXT(LIST_FIRST(&list), both) == &nodes[0]);
    LIST_REMOVE(&nodes[1], both);
    LIST_REMOVE(&nodes[0], both);
    TRUE(LIST_EMPTY(&list));
}

static void doubly_linked_with_an_end(void)
{
    struct endeds list = TAILQ_HEAD_INITIALIZER(list);
    struct endeds other = TAILQ_HEAD_INITIALIZER(other);
    section("TAILQ");
    TRUE(TAILQ_LAST(&list, endeds) == NULL);
    TAILQ_INSERT_TAIL(&list, &nodes[0], ended);
    TAILQ_INSERT_HEAD(&list, &nodes[1], ended);
    TAILQ_INSERT_AFTER(&list, &nodes[0], &nodes[2], ended);
    TAILQ_INSERT_BEFORE(&nodes[1], &nodes[3], ended);
    TAILQ_INSERT_TAIL(&list, &nodes[4], ended);
    LISTS(TAILQ_FOREACH, &list, ended, "dbace");
    names[0] = '\0';
    TAILQ_FOREACH_REVERSE(at, &list, endeds, ended)
    {
        name_add(at->name);
    }
    check_text(names, "ecabd", "backwards");
    TRUE(TAILQ_LAST(&list, endeds) == &nodes[4]);
    TRUE(TAILQ_PREV(&nodes[0], endeds, ended) == &nodes[1]);
    TRUE(TAILQ_PREV(&nodes[3], endeds, ended) == NULL);
    TAILQ_REMOVE(&list, &nodes[4], ended);
    TAILQ_REMOVE(&list, &nodes[3], ended);
    TAILQ_INSERT_TAIL(&other, &nodes[5], ended);
    TAILQ_CONCAT(&list, &other, ended);
    TAILQ_CONCAT(&list, &other, ended);
    LISTS(TAILQ_FOREACH, &list, ended, "bacf");
    TRUE(TAILQ_PREV(&nodes[5], endeds, ended) == &nodes[2]);
    TAILQ_INIT(&list);
    TRUE(TAILQ_EMPTY(&list) && TAILQ_FIRST(&list) == NULL);
    TAILQ_INSERT_TAIL(&list, &nodes[0], ended);
    TRUE(TAILQ_NEXT(&nodes[0], ended) == NULL);
}

int main(void)
{
    singly_linked();
    with_an_end();
    simple();
    doubly_linked();
    doubly_linked_with_an_end();
    return check_end();
}
