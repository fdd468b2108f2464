/* tests/posix/roles.h - what the children do that spawn.c and stdio.c start: their own program. */
#ifndef ROLES_H
#define ROLES_H

/* Words that are hard to bring across; the role "args" wants them. NULL ends them. */
extern const char *const role_words[];
/* Plays the role arguments[1]; the exit code, 0 if all is well with it. */
int role_play(int count, char **arguments);

#endif
