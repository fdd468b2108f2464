/* posix/process/spawn_objects.c - what posix_spawn() is told: file actions and attributes. They
 * return a code, as all of <spawn.h> does, and do nothing by themselves.
 */
#include "posix/process/spawn.h"

#include <string.h>

PLX__CALL int plx_posix_posix_spawn_file_actions_init(plx__spawn_actions *actions)
{
    memset(actions, 0, sizeof *actions);
    return 0;
}

PLX__CALL int plx_posix_posix_spawn_file_actions_destroy(plx__spawn_actions *actions)
{
    for (int i = 0; i < actions->count; i++)
        plx__free(actions->list[i].path);
    plx__free(actions->list);
    memset(actions, 0, sizeof *actions);
    return 0;
}

static bool is_number(int fd)
{
    return fd >= 0 && (uint32_t)fd < plx__fd_limit();
}

static int action_add(plx__spawn_actions *actions, plx__spawn_action action, const char *path)
{
    if (path != NULL) {
        size_t size = strlen(path) + 1;
        action.path = plx__allocate(size);
        if (action.path == NULL)
            return ENOMEM;
        memcpy(action.path, path, size);
    }
    if (actions->count == actions->room) {
        int room = actions->room * 2 + 4;
        plx__spawn_action *list =
            plx__reallocate(actions->list, (size_t)room * sizeof actions->list[0]);
        if (list == NULL) {
            plx__free(action.path);
            return ENOMEM;
        }
        actions->list = list;
        actions->room = room;
    }
    actions->list[actions->count++] = action;
    return 0;
}

PLX__CALL int plx_posix_posix_spawn_file_actions_addopen(plx__spawn_actions *actions, int fd,
                                                         const char *path, int flags, unsigned mode)
{
    plx__spawn_action action = {.what = PLX__SPAWN_OPEN, .fd = fd, .flags = flags, .mode = mode};
    return is_number(fd) ? action_add(actions, action, path) : EBADF;
}

PLX__CALL int plx_posix_posix_spawn_file_actions_addclose(plx__spawn_actions *actions, int fd)
{
    plx__spawn_action action = {.what = PLX__SPAWN_CLOSE, .fd = fd};
    return is_number(fd) ? action_add(actions, action, NULL) : EBADF;
}

PLX__CALL int plx_posix_posix_spawn_file_actions_adddup2(plx__spawn_actions *actions, int from,
                                                         int to)
{
    plx__spawn_action action = {.what = PLX__SPAWN_DUP, .fd = to, .from = from};
    return is_number(from) && is_number(to) ? action_add(actions, action, NULL) : EBADF;
}

PLX__CALL int plx_posix_posix_spawn_file_actions_addchdir_np(plx__spawn_actions *actions,
                                                             const char *path)
{
    plx__spawn_action action = {.what = PLX__SPAWN_DIRECTORY};
    return action_add(actions, action, path);
}

/* --- attributes ----------------------------------------------------------------------------- */

#define FLAGS                                                                                      \
    (PLX__POSIX_SPAWN_RESETIDS | PLX__POSIX_SPAWN_SETPGROUP | PLX__POSIX_SPAWN_SETSIGDEF |         \
     PLX__POSIX_SPAWN_SETSIGMASK | PLX__POSIX_SPAWN_SETSCHEDPARAM |                                \
     PLX__POSIX_SPAWN_SETSCHEDULER | PLX__POSIX_SPAWN_USEVFORK | PLX__POSIX_SPAWN_SETSID)

PLX__CALL int plx_posix_posix_spawnattr_init(plx__spawn_attributes *attributes)
{
    memset(attributes, 0, sizeof *attributes);
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_destroy(plx__spawn_attributes *attributes)
{
    (void)attributes;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_getflags(const plx__spawn_attributes *attributes,
                                                 short *flags)
{
    *flags = (short)attributes->flags;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setflags(plx__spawn_attributes *attributes, short flags)
{
    if ((flags & ~FLAGS) != 0)
        return EINVAL;
    attributes->flags = flags;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_getpgroup(const plx__spawn_attributes *attributes,
                                                  int *group)
{
    *group = attributes->group;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setpgroup(plx__spawn_attributes *attributes, int group)
{
    attributes->group = group;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_getsigmask(const plx__spawn_attributes *attributes,
                                                   plx__sigset *mask)
{
    *mask = attributes->mask;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setsigmask(plx__spawn_attributes *attributes,
                                                   const plx__sigset *mask)
{
    attributes->mask = *mask;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_getsigdefault(const plx__spawn_attributes *attributes,
                                                      plx__sigset *defaults)
{
    *defaults = attributes->defaults;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setsigdefault(plx__spawn_attributes *attributes,
                                                      const plx__sigset *defaults)
{
    attributes->defaults = *defaults;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_getschedpolicy(const plx__spawn_attributes *attributes,
                                                       int *policy)
{
    *policy = attributes->policy;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setschedpolicy(plx__spawn_attributes *attributes,
                                                       int policy)
{
    if (policy < 0 || policy > 2) /* SCHED_OTHER, SCHED_FIFO, SCHED_RR. */
        return EINVAL;
    attributes->policy = policy;
    return 0;
}

/* As struct sched_param, whose only member is a number. */
PLX__CALL int plx_posix_posix_spawnattr_getschedparam(const plx__spawn_attributes *attributes,
                                                      int *priority)
{
    *priority = attributes->priority;
    return 0;
}

PLX__CALL int plx_posix_posix_spawnattr_setschedparam(plx__spawn_attributes *attributes,
                                                      const int *priority)
{
    attributes->priority = *priority;
    return 0;
}
