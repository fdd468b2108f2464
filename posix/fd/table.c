/* posix/fd/table.c - the descriptors of the process: small numbers, the lowest free one first.
 *
 * A slot is a pointer to an open file; chunks of slots never move. A bit for each slot, and one for
 * each word of bits, find the lowest free one in two scans. The lock is held for a few instructions
 * only, and never while anything is closed.
 */
#include "posix/fd/fd.h"

#define CHUNK_SLOTS 1024
#define CHUNKS      (PLX__DESCRIPTORS_MAX / CHUNK_SLOTS)
#define WORDS       (PLX__DESCRIPTORS_MAX / 64)

typedef struct slot {
    plx__file *file;
    bool is_cloexec;
} slot;

static SRWLOCK lock = SRWLOCK_INIT;
static slot *chunks[CHUNKS];
static uint64_t taken[WORDS];     /* Bit: the slot is in use. */
static uint64_t full[WORDS / 64]; /* Bit: the word has no free slot. */
static uint32_t limit = 16384;    /* RLIMIT_NOFILE. */

static slot *slot_of(uint32_t fd)
{
    slot *chunk = chunks[fd / CHUNK_SLOTS];
    return chunk != NULL ? &chunk[fd % CHUNK_SLOTS] : NULL;
}

static void slot_mark(uint32_t fd, bool is_taken)
{
    uint32_t word = fd / 64;
    if (is_taken)
        taken[word] |= UINT64_C(1) << (fd % 64);
    else
        taken[word] &= ~(UINT64_C(1) << (fd % 64));
    if (taken[word] == UINT64_MAX)
        full[word / 64] |= UINT64_C(1) << (word % 64);
    else
        full[word / 64] &= ~(UINT64_C(1) << (word % 64));
}

/* The lowest free number that is not below `lowest`; at least `limit` when there is none. */
static uint32_t free_find(uint32_t lowest)
{
    uint32_t word = lowest / 64;
    uint64_t bits = ~taken[word] & (UINT64_MAX << (lowest % 64));
    if (bits != 0)
        return word * 64 + (uint32_t)__builtin_ctzll(bits);
    uint32_t row = (word + 1) / 64;
    uint64_t from = UINT64_MAX << ((word + 1) % 64);
    for (; row < WORDS / 64; row++, from = UINT64_MAX) {
        bits = ~full[row] & from;
        if (bits != 0) {
            word = row * 64 + (uint32_t)__builtin_ctzll(bits);
            return word * 64 + (uint32_t)__builtin_ctzll(~taken[word]);
        }
    }
    return PLX__DESCRIPTORS_MAX;
}

static bool chunk_reserve(uint32_t fd)
{
    slot **chunk = &chunks[fd / CHUNK_SLOTS];
    if (*chunk == NULL)
        *chunk = plx__allocate_zeroed(CHUNK_SLOTS, sizeof(slot));
    return *chunk != NULL;
}

/* `file` may be NULL, as what was there may have been. */
static void slot_set(slot *place, plx__file *file, bool is_cloexec)
{
    if (place->file != NULL)
        (void)plx__atomic_add(&place->file->slots, UINT32_MAX);
    if (file != NULL)
        (void)plx__atomic_add(&file->slots, 1);
    place->file = file;
    place->is_cloexec = is_cloexec;
}

/* A file has a descriptor that may have had none for a while: threads that wait for epoll sets with
 * it have left it out. The caller has a reference, or holds the lock. */
static bool is_in_sets(plx__file *file)
{
    return file != NULL && plx__atomic_load_acquire(&file->sets) != 0;
}

static int add_locked(plx__file *file, int lowest, bool is_cloexec)
{
    if (lowest < 0 || (uint32_t)lowest >= limit)
        return -EINVAL;
    uint32_t fd = free_find((uint32_t)lowest);
    if (fd >= limit)
        return -EMFILE;
    if (!chunk_reserve(fd))
        return -ENOMEM;
    slot *place = slot_of(fd);
    slot_set(place, file, is_cloexec);
    slot_mark(fd, true);
    return (int)fd;
}

plx__file *plx__fd_get(int fd)
{
    plx__file *file = NULL;
    if (fd < 0 || fd >= PLX__DESCRIPTORS_MAX)
        return NULL;
    AcquireSRWLockShared(&lock);
    slot *place = slot_of((uint32_t)fd);
    if (place != NULL && place->file != NULL) {
        file = place->file;
        plx__file_take(file);
    }
    ReleaseSRWLockShared(&lock);
    return file;
}

int plx__fd_add(plx__file *file, int lowest, bool is_cloexec)
{
    AcquireSRWLockExclusive(&lock);
    int fd = add_locked(file, lowest, is_cloexec);
    bool is_missed = fd >= 0 && is_in_sets(file);
    ReleaseSRWLockExclusive(&lock);
    if (fd < 0)
        plx__file_put(file);
    if (is_missed)
        plx__fd_hook.recheck(file);
    return fd;
}

int plx__fd_reserve(int lowest)
{
    AcquireSRWLockExclusive(&lock);
    int fd = add_locked(NULL, lowest, false);
    ReleaseSRWLockExclusive(&lock);
    return fd;
}

void plx__fd_fill(int fd, plx__file *file, bool is_cloexec)
{
    AcquireSRWLockExclusive(&lock);
    slot_set(slot_of((uint32_t)fd), file, is_cloexec);
    if (file == NULL)
        slot_mark((uint32_t)fd, false);
    bool is_missed = is_in_sets(file);
    ReleaseSRWLockExclusive(&lock);
    if (is_missed)
        plx__fd_hook.recheck(file);
}

static bool is_reserved(uint32_t fd)
{
    return (taken[fd / 64] >> (fd % 64) & 1) != 0 && slot_of(fd)->file == NULL;
}

/* What a descriptor stood for. */
static void file_leave(plx__file *file)
{
    bool is_in_sets = plx__atomic_load_acquire(&file->sets) != 0;
    if (!plx__file_put(file) && is_in_sets)
        plx__fd_hook.recheck(file);
}

int plx__fd_put(int fd, plx__file *file, bool is_cloexec)
{
    plx__file *old = NULL;
    int result = -EBADF;
    AcquireSRWLockExclusive(&lock);
    if (fd < 0 || (uint32_t)fd >= limit || !chunk_reserve((uint32_t)fd)) {
        result = -EBADF;
    } else if (is_reserved((uint32_t)fd)) {
        result = -EBUSY;
    } else {
        slot *place = slot_of((uint32_t)fd);
        old = place->file;
        slot_set(place, file, is_cloexec);
        slot_mark((uint32_t)fd, true);
        result = fd;
    }
    bool is_missed = result >= 0 && is_in_sets(file);
    ReleaseSRWLockExclusive(&lock);
    if (is_missed)
        plx__fd_hook.recheck(file);
    if (result < 0)
        plx__file_put(file);
    if (old != NULL)
        file_leave(old);
    return result;
}

int plx__fd_close(int fd)
{
    plx__file *file = NULL;
    AcquireSRWLockExclusive(&lock);
    slot *place = fd >= 0 && fd < PLX__DESCRIPTORS_MAX ? slot_of((uint32_t)fd) : NULL;
    if (place != NULL && place->file != NULL) {
        file = place->file;
        slot_set(place, NULL, false);
        slot_mark((uint32_t)fd, false);
    }
    ReleaseSRWLockExclusive(&lock);
    if (file == NULL)
        return -EBADF;
    file_leave(file);
    return 0;
}

int plx__fd_cloexec(int fd)
{
    int result = -EBADF;
    AcquireSRWLockShared(&lock);
    slot *place = fd >= 0 && fd < PLX__DESCRIPTORS_MAX ? slot_of((uint32_t)fd) : NULL;
    if (place != NULL && place->file != NULL)
        result = place->is_cloexec ? PLX__FD_CLOEXEC : 0;
    ReleaseSRWLockShared(&lock);
    return result;
}

int plx__fd_cloexec_set(int fd, bool is_cloexec)
{
    int result = -EBADF;
    AcquireSRWLockExclusive(&lock);
    slot *place = fd >= 0 && fd < PLX__DESCRIPTORS_MAX ? slot_of((uint32_t)fd) : NULL;
    if (place != NULL && place->file != NULL) {
        place->is_cloexec = is_cloexec;
        result = 0;
    }
    ReleaseSRWLockExclusive(&lock);
    return result;
}

/* How many references descriptors and `held` have. */
static uint32_t holders_count(plx__file *file, plx__file *const *held, int count)
{
    uint32_t known = plx__atomic_load(&file->slots);
    for (int i = 0; i < count; i++)
        known += held[i] == file;
    return known;
}

/* Meanwhile they have no references that count: whoever has none, and looks, is refused. */
bool plx__fd_idle_do(plx__file *const files[2], plx__file *const *held, int count,
                     void (*act)(void *), void *data)
{
    plx__file *const own[2] = {files[0], files[1]}; /* `act` may free what has them. */
    uint32_t known[2] = {0, 0};
    bool is_missed[2];
    int frozen = 0;
    AcquireSRWLockExclusive(&lock);
    for (; frozen < 2; frozen++) {
        known[frozen] = own[frozen] != NULL ? holders_count(own[frozen], held, count) : 0;
        uint32_t expected = known[frozen];
        if (own[frozen] != NULL &&
            !plx__atomic_compare_exchange(&own[frozen]->references, &expected, 0))
            break;
    }
    bool is_done = frozen == 2;
    if (is_done)
        act(data);
    for (int i = 0; i < 2; i++) {
        if (i < frozen && known[i] != 0)
            (void)plx__atomic_add(&own[i]->references, known[i]);
        is_missed[i] = i < frozen && known[i] != 0 && is_in_sets(own[i]);
    }
    ReleaseSRWLockExclusive(&lock);
    for (int i = 0; i < 2; i++) {
        if (is_missed[i])
            plx__fd_hook.recheck(own[i]);
    }
    return is_done;
}

int plx__fd_end(void)
{
    int end = 0;
    AcquireSRWLockShared(&lock);
    for (int word = WORDS - 1; word >= 0 && end == 0; word--) {
        if (taken[word] != 0)
            end = word * 64 + 64 - __builtin_clzll(taken[word]);
    }
    ReleaseSRWLockShared(&lock);
    return end;
}

uint32_t plx__fd_limit(void)
{
    AcquireSRWLockShared(&lock);
    uint32_t now = limit;
    ReleaseSRWLockShared(&lock);
    return now;
}

int plx__fd_limit_set(uint32_t wanted)
{
    if (wanted > PLX__DESCRIPTORS_MAX)
        return -EPERM;
    AcquireSRWLockExclusive(&lock);
    limit = wanted;
    ReleaseSRWLockExclusive(&lock);
    return 0;
}
