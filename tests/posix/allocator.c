/* tests/posix/allocator.c - a program with an allocator of its own: all memory is the program's
 * then, also what the library allocates for it, and what threads need.
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_SIZE = 32 << 20, HEAD = 16 };

/* Pieces in a row, each behind its size; nothing is used twice. */
static _Alignas(HEAD) char heap[HEAP_SIZE];
static size_t used;
static int allocated, freed, strange;
static char guard;

static void lock(void)
{
    while (__atomic_test_and_set(&guard, __ATOMIC_ACQUIRE)) {}
}

static void unlock(void)
{
    __atomic_clear(&guard, __ATOMIC_RELEASE);
}

static bool is_own(const void *memory)
{
    uintptr_t at = (uintptr_t)memory, first = (uintptr_t)heap;
    return at > first && at < first + HEAP_SIZE;
}

void *malloc(size_t size)
{
    size_t whole = (size + 2 * HEAD - 1) / HEAD * HEAD;
    char *memory = NULL;
    lock();
    if (size < HEAP_SIZE && used + whole <= HEAP_SIZE) {
        memory = heap + used + HEAD;
        used += whole;
        allocated++;
    }
    unlock();
    if (memory != NULL)
        memcpy(memory - HEAD, &size, sizeof size);
    else
        errno = ENOMEM;
    return memory;
}

void free(void *memory)
{
    if (memory == NULL)
        return;
    lock();
    freed++;
    strange += !is_own(memory);
    unlock();
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* It is zero, as nothing is used twice. */
}

void *realloc(void *memory, size_t size)
{
    size_t before = 0;
    char *other = malloc(size);
    if (memory == NULL || other == NULL)
        return other;
    if (is_own(memory))
        memcpy(&before, (char *)memory - HEAD, sizeof before);
    memcpy(other, memory, before < size ? before : size);
    free(memory);
    return other;
}

static int kept(void)
{
    return allocated - freed;
}

static void *allocate(void *data)
{
    (void)data;
    return strdup("a thread's");
}

static void threads(void)
{
    bool are_right = true;
    section("threads");
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *text = NULL;
        are_right &= pthread_create(&thread, NULL, allocate, NULL) == 0 &&
                     pthread_join(thread, &text) == 0 && text != NULL && is_own(text) &&
                     strcmp(text, "a thread's") == 0;
        free(text);
    }
    TRUE(are_right);
    IS(strange, 0);
}

static void streams(void)
{
    char *text = NULL;
    size_t length = 0;
    section("streams over memory");
    FILE *stream = open_memstream(&text, &length);
    for (int i = 0; i < 1000; i++)
        (void)fputs("0123456789", stream);
    IS(fclose(stream), 0);
    IS(length, 10000);
    TRUE(is_own(text) && strlen(text) == 10000);
    int before = kept();
    free(text);
    IS(kept() - before, -1);
    IS(strange, 0);
}

static void lines(void)
{
    char *line = NULL;
    size_t size = 0;
    section("lines");
    FILE *stream = tmpfile();
    TRUE(fputs("one\n", stream) >= 0);
    for (int i = 0; i < 500; i++)
        (void)fputc('a', stream);
    rewind(stream);
    int before = kept();
    IS(getline(&line, &size, stream), 4);
    TRUE(is_own(line));
    IS(getline(&line, &size, stream), 500);
    TRUE(is_own(line));
    IS(kept() - before, 1);
    free(line);
    IS(kept() - before, 0);
    (void)fclose(stream);
    IS(strange, 0);
}

static void others(void)
{
    char *text = NULL;
    section("other memory");
    IS(asprintf(&text, "%d", 12345), 5);
    TRUE(is_own(text));
    text = reallocarray(text, 10, 20);
    TRUE(is_own(text) && strcmp(text, "12345") == 0);
    free(text);
    IS(setenv("POLLUX_ALLOCATOR", "own", 1), 0);
    check_text(getenv("POLLUX_ALLOCATOR"), "own", "the environment");
    IS(strange, 0);
}

int main(void)
{
    threads();
    streams();
    lines();
    others();
    return check_end();
}
