/* spawn.h - children, which are given what descriptors they are to have. */
#ifndef PLX_POSIX_SPAWN_H
#define PLX_POSIX_SPAWN_H

#include <sched.h>

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#define POSIX_SPAWN_RESETIDS      0x01
#define POSIX_SPAWN_SETPGROUP     0x02
#define POSIX_SPAWN_SETSIGDEF     0x04
#define POSIX_SPAWN_SETSIGMASK    0x08
#define POSIX_SPAWN_SETSCHEDPARAM 0x10
#define POSIX_SPAWN_SETSCHEDULER  0x20
#define POSIX_SPAWN_USEVFORK      0x40
#define POSIX_SPAWN_SETSID        0x80

PLX_POSIX_BEGIN

struct plx_posix_spawn_action;

typedef struct plx_posix_spawn_actions {
    struct plx_posix_spawn_action *list;
    int count;
    int room;
} posix_spawn_file_actions_t;

typedef struct plx_posix_spawn_attributes {
    int flags;
    pid_t group;
    sigset_t mask;
    sigset_t defaults;
    int policy;
    struct sched_param parameters;
} posix_spawnattr_t;

int posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[],
                char *const environment[]) PLX_POSIX_NEW(posix_spawn);
int posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const arguments[],
                 char *const environment[]) PLX_POSIX_NEW(posix_spawnp);

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
    PLX_POSIX_NEW(posix_spawn_file_actions_init);
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
    PLX_POSIX_NEW(posix_spawn_file_actions_destroy);
int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd, const char *path,
                                     int flags, mode_t mode)
    PLX_POSIX_NEW(posix_spawn_file_actions_addopen);
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
    PLX_POSIX_NEW(posix_spawn_file_actions_addclose);
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to)
    PLX_POSIX_NEW(posix_spawn_file_actions_adddup2);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path)
    PLX_POSIX_NEW(posix_spawn_file_actions_addchdir_np);

int posix_spawnattr_init(posix_spawnattr_t *attributes) PLX_POSIX_NEW(posix_spawnattr_init);
int posix_spawnattr_destroy(posix_spawnattr_t *attributes) PLX_POSIX_NEW(posix_spawnattr_destroy);
int posix_spawnattr_getflags(const posix_spawnattr_t *attributes, short *flags)
    PLX_POSIX_NEW(posix_spawnattr_getflags);
int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags)
    PLX_POSIX_NEW(posix_spawnattr_setflags);
int posix_spawnattr_getpgroup(const posix_spawnattr_t *attributes, pid_t *group)
    PLX_POSIX_NEW(posix_spawnattr_getpgroup);
int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group)
    PLX_POSIX_NEW(posix_spawnattr_setpgroup);
int posix_spawnattr_getsigmask(const posix_spawnattr_t *attributes, sigset_t *mask)
    PLX_POSIX_NEW(posix_spawnattr_getsigmask);
int posix_spawnattr_setsigmask(posix_spawnattr_t *attributes, const sigset_t *mask)
    PLX_POSIX_NEW(posix_spawnattr_setsigmask);
int posix_spawnattr_getsigdefault(const posix_spawnattr_t *attributes, sigset_t *defaults)
    PLX_POSIX_NEW(posix_spawnattr_getsigdefault);
int posix_spawnattr_setsigdefault(posix_spawnattr_t *attributes, const sigset_t *defaults)
    PLX_POSIX_NEW(posix_spawnattr_setsigdefault);
int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *attributes, int *policy)
    PLX_POSIX_NEW(posix_spawnattr_getschedpolicy);
int posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes, int policy)
    PLX_POSIX_NEW(posix_spawnattr_setschedpolicy);
int posix_spawnattr_getschedparam(const posix_spawnattr_t *attributes,
                                  struct sched_param *parameters)
    PLX_POSIX_NEW(posix_spawnattr_getschedparam);
int posix_spawnattr_setschedparam(posix_spawnattr_t *attributes,
                                  const struct sched_param *parameters)
    PLX_POSIX_NEW(posix_spawnattr_setschedparam);

PLX_POSIX_END
#endif
