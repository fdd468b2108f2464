/* posix/process/spawn.h - what the files that make children share.
 *
 * A child is made suspended. If its program has this layer inside (a section of the file says so),
 * it is given a set: a block of shared memory with its descriptors, which the parent has put
 * into it one by one, so that nothing is inherited by chance and no other thread's child gets any
 * of it (PostgreSQL's internal_forkexec() has proved the way: a block, WSADuplicateSocket() for the
 * suspended child, then ResumeThread). Other programs are given three standard handles.
 */
#ifndef PLX__POSIX_SPAWN_H
#define PLX__POSIX_SPAWN_H

#include "posix/stdio/pump.h"

enum plx__spawn_what { PLX__SPAWN_OPEN, PLX__SPAWN_CLOSE, PLX__SPAWN_DUP, PLX__SPAWN_DIRECTORY };

typedef struct plx_posix_spawn_action {
    int what;
    int fd;
    int from; /* For PLX__SPAWN_DUP. */
    int flags;
    unsigned mode;
    char *path;
} plx__spawn_action;

/* --- programs, their arguments and environment (spawn_command.c) ----------------------------- */

/* All of these are freed with plx__free, and are NULL with a negative errno in `*error_out`. */

/* The program's whole path. `directory`: what relative paths start from; NULL: where we are. */
wchar_t *plx__spawn_program(const char *name, const char *directory, bool searches, int *error_out);
wchar_t *plx__spawn_directory(const char *directory, int *error_out);
wchar_t *plx__spawn_arguments(char *const arguments[], int *error_out);
/* With one more string, `addition`, unless that is NULL. */
wchar_t *plx__spawn_environment(char *const environment[], const wchar_t *addition, int *error_out);
/* `path`, which is to be freed, as seen from `directory` (NULL: from here). */
char *plx__spawn_path(const char *directory, const char *path);
/* Whether the program at this path has the layer inside. */
bool plx__spawn_is_ours(const wchar_t *path);

/* --- what a child is given (inherited.c) ---------------------------------------------------- */

typedef struct plx__inherited_set plx__inherited_set;

/* Whether a child can be given it at all, as it is now. */
bool plx__inherited_takes(plx__file *file);
/* The same, after what can be done about it: pairs are turned into sockets. `held`: the references
 * that the caller has, of all files. */
bool plx__inherited_prepare(plx__file *file, plx__file *const *held, int count);
/* A handle of the system's that stands for it, and stays its own; NULL if there is none. */
int plx__inherited_handle(plx__file *file, HANDLE *handle_out);
/* A block for so many descriptors, with a handle that can be inherited. */
plx__inherited_set *plx__inherited_make(size_t count, HANDLE *section_out);
void plx__inherited_close(plx__inherited_set *set);
/* Puts it in. The number is `fd`; `same`: the index of one put in before with the same open file,
 * or -1. 0 or a negative errno. */
int plx__inherited_put(plx__inherited_set *set, HANDLE child, int fd, plx__file *file, int same);
/* Completes it for this child, and gives it an event that plx__inherited_signal() sets. */
int plx__inherited_finish(plx__inherited_set *set, HANDLE child, plx__sigset mask,
                          plx__sigset ignored);
void plx__inherited_signal(plx__inherited_set *set, int number);
/* The signal that the child says to have died of; 0: none. */
int plx__inherited_died_of(const plx__inherited_set *set);

#define PLX__INHERITED_NAME     "POLLUX_POSIX_INHERITED"
#define PLX__INHERITED_VARIABLE L"" PLX__INHERITED_NAME

/* In the child, at its start: puts what it was given into the table. False if there is nothing. */
bool plx__inherited_enter(void);
/* In the child: it is about to end by this signal. */
void plx__inherited_die(int number);

/* --- children (children.c) ------------------------------------------------------------------ */

/* Takes the handle, the set (or NULL) and the pumps (or NULLs) unless it fails: -ENOMEM. */
int plx__child_add(HANDLE handle, plx__inherited_set *set, int group, plx__pump *const pumps[3]);
/* Whether there is a child in this group. */
bool plx__child_group_is(int group);
/* Sends it to a child, or (below -1) to a group of children: 0, -EPERM, or -ESRCH: to none. */
int plx__child_signal(int process, int number);
/* Of the one that ended last, as siginfo_t has it. */
void plx__child_last(int *process_out, int *code_out, int *status_out);

#endif
