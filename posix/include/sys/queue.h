/* sys/queue.h - lists whose links are members of what they link, as 4.4BSD has them: singly linked
 * (SLIST), singly linked with an end (STAILQ, SIMPLEQ), doubly linked (LIST), doubly linked with an
 * end (TAILQ). queue(3) describes each. What is linked is the caller's, and nothing allocates.
 *
 * A link back is the address of the pointer that points here, so that removing needs no head.
 */
#ifndef PLX_POSIX_SYS_QUEUE_H
#define PLX_POSIX_SYS_QUEUE_H

#include <stddef.h>

/* --- SLIST ---------------------------------------------------------------------------------- */

#define SLIST_HEAD(name, type)                                                                     \
    struct name {                                                                                  \
        struct type *slh_first;                                                                    \
    }
#define SLIST_ENTRY(type)                                                                          \
    struct {                                                                                       \
        struct type *sle_next;                                                                     \
    }
#define SLIST_HEAD_INITIALIZER(head)                                                               \
    {                                                                                              \
        NULL                                                                                       \
    }
#define SLIST_INIT(head)        ((void)((head)->slh_first = NULL))
#define SLIST_FIRST(head)       ((head)->slh_first)
#define SLIST_EMPTY(head)       ((head)->slh_first == NULL)
#define SLIST_NEXT(link, field) ((link)->field.sle_next)
#define SLIST_INSERT_HEAD(head, link, field)                                                       \
    do {                                                                                           \
        (link)->field.sle_next = (head)->slh_first;                                                \
        (head)->slh_first = (link);                                                                \
    } while (0)
#define SLIST_INSERT_AFTER(before, link, field)                                                    \
    do {                                                                                           \
        (link)->field.sle_next = (before)->field.sle_next;                                         \
        (before)->field.sle_next = (link);                                                         \
    } while (0)
#define SLIST_REMOVE_HEAD(head, field)                                                             \
    ((void)((head)->slh_first = (head)->slh_first->field.sle_next))
#define SLIST_REMOVE(head, link, type, field)                                                      \
    do {                                                                                           \
        struct type **plx_at = &(head)->slh_first;                                                 \
        while (*plx_at != (link))                                                                  \
            plx_at = &(*plx_at)->field.sle_next;                                                   \
        *plx_at = (*plx_at)->field.sle_next;                                                       \
    } while (0)
#define SLIST_FOREACH(link, head, field)                                                           \
    for ((link) = (head)->slh_first; (link) != NULL; (link) = (link)->field.sle_next)

/* --- STAILQ --------------------------------------------------------------------------------- */

#define STAILQ_HEAD(name, type)                                                                    \
    struct name {                                                                                  \
        struct type *stqh_first;                                                                   \
        struct type **stqh_last;                                                                   \
    }
#define STAILQ_ENTRY(type)                                                                         \
    struct {                                                                                       \
        struct type *stqe_next;                                                                    \
    }
#define STAILQ_HEAD_INITIALIZER(head)                                                              \
    {                                                                                              \
        NULL, &(head).stqh_first                                                                   \
    }
#define STAILQ_INIT(head)                                                                          \
    do {                                                                                           \
        (head)->stqh_first = NULL;                                                                 \
        (head)->stqh_last = &(head)->stqh_first;                                                   \
    } while (0)
#define STAILQ_FIRST(head)       ((head)->stqh_first)
#define STAILQ_EMPTY(head)       ((head)->stqh_first == NULL)
#define STAILQ_NEXT(link, field) ((link)->field.stqe_next)
#define STAILQ_INSERT_HEAD(head, link, field)                                                      \
    do {                                                                                           \
        if (((link)->field.stqe_next = (head)->stqh_first) == NULL)                                \
            (head)->stqh_last = &(link)->field.stqe_next;                                          \
        (head)->stqh_first = (link);                                                               \
    } while (0)
#define STAILQ_INSERT_TAIL(head, link, field)                                                      \
    do {                                                                                           \
        (link)->field.stqe_next = NULL;                                                            \
        *(head)->stqh_last = (link);                                                               \
        (head)->stqh_last = &(link)->field.stqe_next;                                              \
    } while (0)
#define STAILQ_INSERT_AFTER(head, before, link, field)                                             \
    do {                                                                                           \
        if (((link)->field.stqe_next = (before)->field.stqe_next) == NULL)                         \
            (head)->stqh_last = &(link)->field.stqe_next;                                          \
        (before)->field.stqe_next = (link);                                                        \
    } while (0)
#define STAILQ_REMOVE_HEAD(head, field)                                                            \
    do {                                                                                           \
        if (((head)->stqh_first = (head)->stqh_first->field.stqe_next) == NULL)                    \
            (head)->stqh_last = &(head)->stqh_first;                                               \
    } while (0)
#define STAILQ_REMOVE(head, link, type, field)                                                     \
    do {                                                                                           \
        struct type **plx_at = &(head)->stqh_first;                                                \
        while (*plx_at != (link))                                                                  \
            plx_at = &(*plx_at)->field.stqe_next;                                                  \
        if ((*plx_at = (*plx_at)->field.stqe_next) == NULL)                                        \
            (head)->stqh_last = plx_at;                                                            \
    } while (0)
#define STAILQ_CONCAT(head, other)                                                                 \
    do {                                                                                           \
        if (!STAILQ_EMPTY(other)) {                                                                \
            *(head)->stqh_last = (other)->stqh_first;                                              \
            (head)->stqh_last = (other)->stqh_last;                                                \
            STAILQ_INIT(other);                                                                    \
        }                                                                                          \
    } while (0)
#define STAILQ_FOREACH(link, head, field)                                                          \
    for ((link) = (head)->stqh_first; (link) != NULL; (link) = (link)->field.stqe_next)

/* --- SIMPLEQ, NetBSD's name for it ------------------------------------------------------------ */

#define SIMPLEQ_HEAD(name, type)                                                                   \
    struct name {                                                                                  \
        struct type *sqh_first;                                                                    \
        struct type **sqh_last;                                                                    \
    }
#define SIMPLEQ_ENTRY(type)                                                                        \
    struct {                                                                                       \
        struct type *sqe_next;                                                                     \
    }
#define SIMPLEQ_HEAD_INITIALIZER(head)                                                             \
    {                                                                                              \
        NULL, &(head).sqh_first                                                                    \
    }
#define SIMPLEQ_INIT(head)                                                                         \
    do {                                                                                           \
        (head)->sqh_first = NULL;                                                                  \
        (head)->sqh_last = &(head)->sqh_first;                                                     \
    } while (0)
#define SIMPLEQ_FIRST(head)       ((head)->sqh_first)
#define SIMPLEQ_EMPTY(head)       ((head)->sqh_first == NULL)
#define SIMPLEQ_NEXT(link, field) ((link)->field.sqe_next)
#define SIMPLEQ_INSERT_HEAD(head, link, field)                                                     \
    do {                                                                                           \
        if (((link)->field.sqe_next = (head)->sqh_first) == NULL)                                  \
            (head)->sqh_last = &(link)->field.sqe_next;                                            \
        (head)->sqh_first = (link);                                                                \
    } while (0)
#define SIMPLEQ_INSERT_TAIL(head, link, field)                                                     \
    do {                                                                                           \
        (link)->field.sqe_next = NULL;                                                             \
        *(head)->sqh_last = (link);                                                                \
        (head)->sqh_last = &(link)->field.sqe_next;                                                \
    } while (0)
#define SIMPLEQ_INSERT_AFTER(head, before, link, field)                                            \
    do {                                                                                           \
        if (((link)->field.sqe_next = (before)->field.sqe_next) == NULL)                           \
            (head)->sqh_last = &(link)->field.sqe_next;                                            \
        (before)->field.sqe_next = (link);                                                         \
    } while (0)
#define SIMPLEQ_REMOVE_HEAD(head, field)                                                           \
    do {                                                                                           \
        if (((head)->sqh_first = (head)->sqh_first->field.sqe_next) == NULL)                       \
            (head)->sqh_last = &(head)->sqh_first;                                                 \
    } while (0)
#define SIMPLEQ_REMOVE(head, link, type, field)                                                    \
    do {                                                                                           \
        struct type **plx_at = &(head)->sqh_first;                                                 \
        while (*plx_at != (link))                                                                  \
            plx_at = &(*plx_at)->field.sqe_next;                                                   \
        if ((*plx_at = (*plx_at)->field.sqe_next) == NULL)                                         \
            (head)->sqh_last = plx_at;                                                             \
    } while (0)
#define SIMPLEQ_FOREACH(link, head, field)                                                         \
    for ((link) = (head)->sqh_first; (link) != NULL; (link) = (link)->field.sqe_next)

/* --- LIST ----------------------------------------------------------------------------------- */

#define LIST_HEAD(name, type)                                                                      \
    struct name {                                                                                  \
        struct type *lh_first;                                                                     \
    }
#define LIST_ENTRY(type)                                                                           \
    struct {                                                                                       \
        struct type *le_next;                                                                      \
        struct type **le_prev;                                                                     \
    }
#define LIST_HEAD_INITIALIZER(head)                                                                \
    {                                                                                              \
        NULL                                                                                       \
    }
#define LIST_INIT(head)        ((void)((head)->lh_first = NULL))
#define LIST_FIRST(head)       ((head)->lh_first)
#define LIST_EMPTY(head)       ((head)->lh_first == NULL)
#define LIST_NEXT(link, field) ((link)->field.le_next)
#define LIST_INSERT_HEAD(head, link, field)                                                        \
    do {                                                                                           \
        if (((link)->field.le_next = (head)->lh_first) != NULL)                                    \
            (head)->lh_first->field.le_prev = &(link)->field.le_next;                              \
        (head)->lh_first = (link);                                                                 \
        (link)->field.le_prev = &(head)->lh_first;                                                 \
    } while (0)
#define LIST_INSERT_AFTER(before, link, field)                                                     \
    do {                                                                                           \
        if (((link)->field.le_next = (before)->field.le_next) != NULL)                             \
            (before)->field.le_next->field.le_prev = &(link)->field.le_next;                       \
        (before)->field.le_next = (link);                                                          \
        (link)->field.le_prev = &(before)->field.le_next;                                          \
    } while (0)
#define LIST_INSERT_BEFORE(behind, link, field)                                                    \
    do {                                                                                           \
        (link)->field.le_prev = (behind)->field.le_prev;                                           \
        (link)->field.le_next = (behind);                                                          \
        *(behind)->field.le_prev = (link);                                                         \
        (behind)->field.le_prev = &(link)->field.le_next;                                          \
    } while (0)
#define LIST_REMOVE(link, field)                                                                   \
    do {                                                                                           \
        if ((link)->field.le_next != NULL)                                                         \
            (link)->field.le_next->field.le_prev = (link)->field.le_prev;                          \
        *(link)->field.le_prev = (link)->field.le_next;                                            \
    } while (0)
#define LIST_FOREACH(link, head, field)                                                            \
    for ((link) = (head)->lh_first; (link) != NULL; (link) = (link)->field.le_next)

/* --- TAILQ ---------------------------------------------------------------------------------- */

#define TAILQ_HEAD(name, type)                                                                     \
    struct name {                                                                                  \
        struct type *tqh_first;                                                                    \
        struct type **tqh_last;                                                                    \
    }
#define TAILQ_ENTRY(type)                                                                          \
    struct {                                                                                       \
        struct type *tqe_next;                                                                     \
        struct type **tqe_prev;                                                                    \
    }
#define TAILQ_HEAD_INITIALIZER(head)                                                               \
    {                                                                                              \
        NULL, &(head).tqh_first                                                                    \
    }
#define TAILQ_INIT(head)                                                                           \
    do {                                                                                           \
        (head)->tqh_first = NULL;                                                                  \
        (head)->tqh_last = &(head)->tqh_first;                                                     \
    } while (0)
#define TAILQ_FIRST(head)       ((head)->tqh_first)
#define TAILQ_EMPTY(head)       ((head)->tqh_first == NULL)
#define TAILQ_NEXT(link, field) ((link)->field.tqe_next)
/* A head and an entry are laid out alike: the last link of what is before leads there. */
#define TAILQ_LAST(head, name)        (*((struct name *)(void *)((head)->tqh_last))->tqh_last)
#define TAILQ_PREV(link, name, field) (*((struct name *)(void *)((link)->field.tqe_prev))->tqh_last)
#define TAILQ_INSERT_HEAD(head, link, field)                                                       \
    do {                                                                                           \
        if (((link)->field.tqe_next = (head)->tqh_first) != NULL)                                  \
            (head)->tqh_first->field.tqe_prev = &(link)->field.tqe_next;                           \
        else                                                                                       \
            (head)->tqh_last = &(link)->field.tqe_next;                                            \
        (head)->tqh_first = (link);                                                                \
        (link)->field.tqe_prev = &(head)->tqh_first;                                               \
    } while (0)
#define TAILQ_INSERT_TAIL(head, link, field)                                                       \
    do {                                                                                           \
        (link)->field.tqe_next = NULL;                                                             \
        (link)->field.tqe_prev = (head)->tqh_last;                                                 \
        *(head)->tqh_last = (link);                                                                \
        (head)->tqh_last = &(link)->field.tqe_next;                                                \
    } while (0)
#define TAILQ_INSERT_AFTER(head, before, link, field)                                              \
    do {                                                                                           \
        if (((link)->field.tqe_next = (before)->field.tqe_next) != NULL)                           \
            (link)->field.tqe_next->field.tqe_prev = &(link)->field.tqe_next;                      \
        else                                                                                       \
            (head)->tqh_last = &(link)->field.tqe_next;                                            \
        (before)->field.tqe_next = (link);                                                         \
        (link)->field.tqe_prev = &(before)->field.tqe_next;                                        \
    } while (0)
#define TAILQ_INSERT_BEFORE(behind, link, field)                                                   \
    do {                                                                                           \
        (link)->field.tqe_prev = (behind)->field.tqe_prev;                                         \
        (link)->field.tqe_next = (behind);                                                         \
        *(behind)->field.tqe_prev = (link);                                                        \
        (behind)->field.tqe_prev = &(link)->field.tqe_next;                                        \
    } while (0)
#define TAILQ_REMOVE(head, link, field)                                                            \
    do {                                                                                           \
        if ((link)->field.tqe_next != NULL)                                                        \
            (link)->field.tqe_next->field.tqe_prev = (link)->field.tqe_prev;                       \
        else                                                                                       \
            (head)->tqh_last = (link)->field.tqe_prev;                                             \
        *(link)->field.tqe_prev = (link)->field.tqe_next;                                          \
    } while (0)
#define TAILQ_CONCAT(head, other, field)                                                           \
    do {                                                                                           \
        if (!TAILQ_EMPTY(other)) {                                                                 \
            *(head)->tqh_last = (other)->tqh_first;                                                \
            (other)->tqh_first->field.tqe_prev = (head)->tqh_last;                                 \
            (head)->tqh_last = (other)->tqh_last;                                                  \
            TAILQ_INIT(other);                                                                     \
        }                                                                                          \
    } while (0)
#define TAILQ_FOREACH(link, head, field)                                                           \
    for ((link) = (head)->tqh_first; (link) != NULL; (link) = (link)->field.tqe_next)
#define TAILQ_FOREACH_REVERSE(link, head, name, field)                                             \
    for ((link) = TAILQ_LAST(head, name); (link) != NULL; (link) = TAILQ_PREV(link, name, field))

#endif
