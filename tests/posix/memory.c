/* tests/posix/memory.c - streams over memory, their locks, and wide text. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static void reading(void)
{
    char text[] = "one\ntwo\n";
    char line[16];
    section("fmemopen, reading");
    FILE *stream = fmemopen(text, strlen(text), "r");
    TRUE(stream != NULL);
    FAILS(fileno(stream), EBADF);
    TRUE(fgets(line, sizeof line, stream) == line && strcmp(line, "one\n") == 0);
    IS(ftell(stream), 4);
    IS(getc(stream), 't');
    IS(ungetc('T', stream), 'T');
    TRUE(fscanf(stream, "%15s", line) == 1 && strcmp(line, "Two") == 0);
    IS(getc(stream), '\n');
    IS(getc(stream), EOF);
    TRUE(feof(stream) && !ferror(stream));
    IS(fseek(stream, -2, SEEK_END), 0);
    IS(getc(stream), 'o');
    rewind(stream);
    IS(fread(line, 1, sizeof line, stream), 8);
    IS(fclose(stream), 0);
    check_text(text, "one\ntwo\n", "what was read");
    errno = 0;
    TRUE(fmemopen(text, 4, "q") == NULL && errno == EINVAL);
}

static void writing(void)
{
    char text[8] = "1234567";
    section("fmemopen, writing");
    FILE *stream = fmemopen(text, sizeof text, "w");
    IS(fprintf(stream, "%d", 42), 2);
    IS(fflush(stream), 0);
    check_text(text, "42", "after fflush");
    TRUE(fputs("abc", stream) >= 0);
    IS(fclose(stream), 0);
    check_text(text, "42abc", "after fclose");
    stream = fmemopen(text, sizeof text, "a");
    IS(ftell(stream), 5);
    IS(fputc('!', stream), '!');
    IS(fclose(stream), 0);
    check_text(text, "42abc!", "appended");
    stream = fmemopen(text, 6, "r+");
    IS(getc(stream), '4');
    IS(fseek(stream, 1, SEEK_SET), 0);
    IS(fputc('x', stream), 'x');
    IS(fclose(stream), 0);
    check_text(text, "4xabc!", "updated");
    stream = fmemopen(text, 4, "w");
    TRUE(fputs("12345678", stream) >= 0);
    (void)fclose(stream); /* The GNU C library says nothing of what did not fit. */
    TRUE(memcmp(text, "123", 4) == 0);
    stream = fmemopen(NULL, 16, "w+");
    TRUE(fputs("own", stream) >= 0);
    rewind(stream);
    IS(getc(stream), 'o');
    IS(fclose(stream), 0);
}

static void growing(void)
{
    char *text = NULL;
    size_t length = 99;
    section("open_memstream");
    FILE *stream = open_memstream(&text, &length);
    TRUE(stream != NULL);
    IS(fflush(stream), 0);
    TRUE(length == 0 && text[0] == '\0');
    IS(fprintf(stream, "%s-%03d", "a", 7), 5);
    IS(fflush(stream), 0);
    check_text(text, "a-007", "after fflush");
    IS(length, 5);
    for (int i = 0; i < 20000; i++)
        (void)fputc('z', stream);
    IS(fflush(stream), 0);
    IS(length, 20005);
    IS(strlen(text), 20005);
    IS(fseek(stream, 2, SEEK_SET), 0);
    IS(fputc('b', stream), 'b');
    IS(fflush(stream), 0);
    IS(length, 3);
    IS(fclose(stream), 0);
    IS(length, 3);
    TRUE(memcmp(text, "a-b", 3) == 0);
    free(text);
    wchar_t *wide = NULL;
    stream = open_wmemstream(&wide, &length);
    TRUE(stream != NULL);
    TRUE(fputws(L"wide ", stream) >= 0);
    IS(fwprintf(stream, L"%d", 12), 2);
    IS(fclose(stream), 0);
    IS(length, 7);
    TRUE(wcscmp(wide, L"wide 12") == 0);
    free(wide);
}

/* What the program itself has in the buffer stays there. */
static void untouched(void)
{
    char text[16] = "start";
    section("fmemopen, what was not written");
    FILE *stream = fmemopen(text, sizeof text, "w");
    TRUE(fputs("abc", stream) >= 0);
    IS(fflush(stream), 0);
    (void)strcpy(text, "mine");
    IS(fclose(stream), 0);
    check_text(text, "mine", "closed without more output");
    stream = fmemopen(text, sizeof text, "r+");
    IS(getc(stream), 'm');
    (void)strcpy(text, "other");
    IS(fflush(NULL), 0);
    IS(fclose(stream), 0);
    check_text(text, "other", "only read");
    stream = fmemopen(text, sizeof text, "a");
    (void)strcpy(text, "third");
    IS(fflush(NULL), 0);
    check_text(text, "third", "all streams flushed");
    TRUE(fputs("!", stream) >= 0);
    text[0] = 'T';
    IS(fclose(stream), 0);
    check_text(text, "Third!", "appended");
    stream = fmemopen(text, sizeof text, "w");
    check_text(text, "Third!", "opened");
    IS(fclose(stream), 0);
    stream = fmemopen(text, sizeof text, "w+");
    check_text(text, "", "opened for both");
    IS(fclose(stream), 0);
    stream = fmemopen(NULL, 4, "w+");
    TRUE(fputs("0123456789", stream) >= 0);
    IS(fflush(stream), EOF);
    (void)fclose(stream);
    char *grown = NULL;
    size_t length = 0;
    stream = open_memstream(&grown, &length);
    TRUE(fputs("one", stream) >= 0);
    IS(fflush(stream), 0);
    grown[0] = 'O';
    TRUE(fputs("two", stream) >= 0);
    IS(fclose(stream), 0);
    check_text(grown, "Onetwo", "open_memstream");
    free(grown);
}

/* What becomes of a stream's buffer when the stream gets a file. The GNU C library of Debian 12
 * crashes there, so Linux shows what is right by two calls. */
static FILE *reopen(const char *path, FILE *stream)
{
    if (IS_WINDOWS)
        return freopen(path, "w+", stream);
    (void)fclose(stream);
    return fopen(path, "w+");
}

static void reopened(void)
{
    static const char path[] = "posix_memory.txt";
    char text[64] = "old";
    section("freopen of a stream over memory");
    FILE *stream = fmemopen(text, sizeof text, "w");
    TRUE(fputs("abc", stream) >= 0);
    stream = reopen(path, stream);
    TRUE(stream != NULL);
    check_text(text, "abc", "the buffer");
    IS(fclose(stream), 0);
    stream = fopen(path, "w+");
    TRUE(fputs("of another file", stream) >= 0);
    (void)strcpy(text, "mine");
    IS(fflush(NULL), 0);
    check_text(text, "mine", "the buffer");
    IS(fclose(stream), 0);
    IS(remove(path), 0);
}

static void many(void)
{
    enum { COUNT = 600 };
    static FILE *streams[COUNT];
    static char *texts[COUNT];
    static size_t lengths[COUNT];
    int opened = 0;
    section("many streams");
    for (int i = 0; i < COUNT; i++) {
        streams[i] = open_memstream(&texts[i], &lengths[i]);
        opened += streams[i] != NULL;
    }
    IS(opened, COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (streams[i] != NULL && fclose(streams[i]) == 0)
            free(texts[i]);
    }
}

static void *try_lock(void *stream)
{
    static int result;
    result = ftrylockfile(stream);
    if (result == 0)
        funlockfile(stream);
    return &result;
}

static int other_tries(FILE *stream)
{
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, NULL, try_lock, stream) != 0 || pthread_join(thread, &result) != 0)
        return 99;
    return *(int *)result != 0;
}

static bool is_aligned(const void *memory, size_t alignment)
{
    return memory != NULL && (uintptr_t)memory % alignment == 0;
}

/* getline() makes it larger. */
static void lengthen(char *line)
{
    size_t size = 64;
    FILE *stream = tmpfile();
    for (int i = 0; i < 500; i++)
        (void)fputc('a', stream);
    rewind(stream);
    IS(getline(&line, &size, stream), 500);
    TRUE(line[0] == 'a' && strlen(line) == 500);
    free(line);
    (void)fclose(stream);
}

static void aligned(void)
{
    void *memory = NULL;
    bool are_right = true;
    section("aligned memory");
    for (size_t alignment = sizeof(void *); alignment <= 65536; alignment *= 2) {
        void *pieces[3] = {NULL, NULL, NULL};
        for (size_t i = 0; i < 3; i++) {
            are_right &= posix_memalign(&pieces[i], alignment, 100 * (i + 1)) == 0 &&
                         is_aligned(pieces[i], alignment);
            memset(pieces[i], 'a' + (int)i, 100 * (i + 1));
        }
        free(pieces[1]);
        char *larger = realloc(pieces[2], 100000);
        are_right &= larger != NULL && larger[0] == 'c' && larger[299] == 'c';
        free(larger);
        char *smaller = realloc(pieces[0], 10);
        are_right &= smaller != NULL && smaller[0] == 'a' && smaller[9] == 'a';
        free(smaller);
    }
    TRUE(are_right);
    errno = 7;
    IS(posix_memalign(&memory, 24, 10), EINVAL);
    IS(posix_memalign(&memory, 2, 10), EINVAL);
    IS(errno, 7);
    TRUE(!IS_WINDOWS || posix_memalign(&memory, 64, SIZE_MAX - 100) == ENOMEM);
    TRUE(memory == NULL);
    IS(posix_memalign(&memory, 64, 0), 0);
    free(memory);
    IS(posix_memalign(&memory, 64, 64), 0);
    lengthen(memory);
    memory = aligned_alloc(4096, 8192);
    TRUE(is_aligned(memory, 4096));
    free(memory);
    memory = malloc(100);
    TRUE(memory != NULL);
    memory = realloc(memory, 200);
    TRUE(memory != NULL);
    free(memory);
    free(NULL);
}

static void locks(void)
{
    char name[L_ctermid];
    section("locks, the terminal's name");
    flockfile(stdout);
    IS(other_tries(stdout), 1);
    IS(ftrylockfile(stdout), 0);
    funlockfile(stdout);
    IS(other_tries(stdout), 1);
    funlockfile(stdout);
    IS(other_tries(stdout), 0);
    FILE *stream = tmpfile();
    flockfile(stream);
    IS(fclose(stream), 0);
    stream = tmpfile(); /* In the same slot, often. */
    IS(other_tries(stream), 0);
    IS(fclose(stream), 0);
    check_text(ctermid(name), "/dev/tty", "ctermid(name)");
    TRUE(ctermid(name) == name);
    check_text(ctermid(NULL), "/dev/tty", "ctermid(NULL)");
}

static void copies(void)
{
    wchar_t text[8];
    section("wide text");
    TRUE(wcpcpy(text, L"abc") == text + 3 && wcscmp(text, L"abc") == 0);
    TRUE(wcpncpy(text, L"xyz", 2) == text + 2 && wcscmp(text, L"xyc") == 0);
    TRUE(wcpncpy(text, L"q", 4) == text + 1 && text[3] == L'\0');
    IS(wcscasecmp(L"Straight", L"sTRAIGHT"), 0);
    TRUE(wcscasecmp(L"a", L"B") < 0 && wcscasecmp(L"C", L"b") > 0);
    IS(wcsncasecmp(L"abcX", L"ABCY", 3), 0);
    TRUE(wcsncasecmp(L"abcX", L"ABCY", 4) < 0);
    IS(wcsncasecmp(L"a", L"b", 0), 0);
    IS(wcwidth(L'a'), 1);
    IS(wcwidth(L'\0'), 0);
    IS(wcwidth(L'\n'), -1);
    IS(wcwidth(0x7f), -1);
    IS(wcswidth(L"four", 9), 4);
    IS(wcswidth(L"four", 3), 3);
    IS(wcswidth(L"a\tb", 3), -1);
    TRUE(iswctype(L'7', wctype("digit")) != 0);
}

static void conversions(void)
{
    mbstate_t state;
    wchar_t wide[8] = L"-------";
    char text[8] = "-------";
    static const char bytes[16] = "abcdef"; /* All that a call may look at. */
    static const wchar_t wides[16] = L"uvwxyz";
    const char *from = bytes;
    const wchar_t *wide_from = wides;
    section("conversions");
    memset(&state, 0, sizeof state);
    IS(mbsnrtowcs(wide, &from, 3, 8, &state), 3);
    TRUE(wmemcmp(wide, L"abc-", 4) == 0 && *from == 'd');
    IS(mbsnrtowcs(wide, &from, 9, 2, &state), 2);
    TRUE(*from == 'f' && wide[1] == L'e');
    IS(mbsnrtowcs(NULL, &from, 9, 0, &state), 1);
    TRUE(*from == 'f');
    IS(mbsnrtowcs(wide, &from, 9, 8, &state), 1);
    TRUE(from == NULL && wide[1] == L'\0');
    IS(wcsnrtombs(text, &wide_from, 2, 8, &state), 2);
    TRUE(memcmp(text, "uv-", 3) == 0 && *wide_from == L'w');
    IS(wcsnrtombs(text, &wide_from, 9, 3, &state), 3);
    TRUE(*wide_from == L'z' && memcmp(text, "wxy-", 4) == 0);
    IS(wcsnrtombs(NULL, &wide_from, 9, 0, &state), 1);
    IS(wcsnrtombs(text, &wide_from, 9, 8, &state), 1);
    TRUE(wide_from == NULL && strcmp(text, "z") == 0);
}

int main(void)
{
    reading();
    writing();
    growing();
    untouched();
    reopened();
    many();
    aligned();
    locks();
    copies();
    conversions();
    return check_end();
}
