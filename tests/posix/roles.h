/* tests/posix/roles.h - what the children do, which are the test's own program; and starting them.
 */
#ifndef ROLES_H
#define ROLES_H

#include <spawn.h>
#include <sys/types.h>

/* Words that are hard to bring across; the role "args" wants them. NULL ends them. */
extern const char *const role_words[];
/* Plays the role arguments[1]; the exit code, 0 if all is well with it. */
int role_play(int count, char **arguments);

/* The test's own program, and posix_plain, which has no POSIX layer. */
extern char self[1024];
extern char plain[1024];
/* Finds both, from the name that the test was started by. */
void programs_find(const char *name);
/* Up to three words; the process, or minus a code. */
pid_t start(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
            const char *program, const char *one, const char *two, const char *three);
/* The exit code, or minus the signal; above 1000 what went wrong. */
int end_of(pid_t process);
/* Both, for the test's own program. */
int run(const posix_spawn_file_actions_t *actions, const char *one, const char *two,
        const char *three);
/* The number as a word, one of eight at a time. */
const char *number(int which, int value);

#endif
