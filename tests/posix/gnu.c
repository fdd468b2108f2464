/* tests/posix/gnu.c - functions that the GNU C library has beside POSIX's, and rarer ones of
 * POSIX's. Part of library.c's program. */
#include "gnu.h"
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <alloca.h>
#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

static void texts(void)
{
    static const char *const ordered[] = {"",  "000", "00", "01",  "010", "09",   "0",
                                          "1", "9",   "10", "a",   "a0",  "a1b2", "a1b10",
                                          "b", "b0",  "b9", "b10", "b100"};
    static const char word[] = "a word";
    section("text");
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof ordered / sizeof *ordered; i++) {
        for (size_t j = 0; j < sizeof ordered / sizeof *ordered; j++) {
            int order = strverscmp(ordered[i], ordered[j]);
            wrong += (order > 0) - (order < 0) != (i > j) - (i < j);
        }
    }
    IS(wrong, 0);
    TRUE(rawmemchr(word, 'w') == word + 2);
    IS(ffsl(0), 0);
    TRUE(ffsl(LONG_MIN) == LONG_BIT);
    IS(ffsll(1LL << 40), 41);
    TRUE(bswap_16(0x1234) == 0x3412 && bswap_32(UINT32_C(0x12345678)) == UINT32_C(0x78563412));
    TRUE(bswap_64(UINT64_C(0x0102030405060708)) == UINT64_C(0x0807060504030201));
    wchar_t wide[] = L",one,,two";
    wchar_t *rest = NULL;
    TRUE(wcstok(wide, L",", &rest) == wide + 1 && wcscmp(wide + 1, L"one") == 0);
    TRUE(wcstok(NULL, L",;", &rest) == wide + 6 && wcstok(NULL, L",", &rest) == NULL);
    TRUE(wcstok(NULL, L",", &rest) == NULL);
    char *taken = alloca(10);
    memcpy(taken, word, sizeof word);
    check_text(taken, word, "alloca");
}

static void limits(void)
{
    section("limits");
    TRUE(WORD_BIT == 32 && LONG_BIT == (int)sizeof(long) * CHAR_BIT && NL_ARGMAX >= 9);
    TRUE(CHAR_WIDTH == 8 && UINT_WIDTH == 32 && LONG_WIDTH == LONG_BIT && ULLONG_WIDTH == 64);
    TRUE(INT_FAST16_MAX >> (INT_FAST16_WIDTH - 2) == 1);
    TRUE(SIZE_MAX >> (SIZE_WIDTH - 1) == 1 && PTRDIFF_WIDTH == SIZE_WIDTH);
    TRUE(INT64_WIDTH == 64 && UINT_LEAST8_WIDTH == 8 && INTMAX_WIDTH == 64);
}

static void numbers(void)
{
    char state[2][128];
    struct random_data data = {.state = NULL};
    int32_t number = -1;
    section("random numbers");
    char *before = initstate(1, state[0], sizeof state[0]);
    TRUE(before != NULL);
    long numbers[3] = {random(), random(), random()};
    TRUE(numbers[0] != numbers[1] && numbers[1] != numbers[2]);
    TRUE(initstate(2, state[1], sizeof state[1]) == state[0]);
    TRUE(random() != numbers[0]);
    TRUE(setstate(state[0]) == state[1]);
    TRUE(random() != numbers[0]); /* It goes on where it was. */
    srandom(1);
    TRUE(random() == numbers[0] && random() == numbers[1]);
    TRUE(setstate(before) == state[0]);
    TRUE(initstate(1, state[0], 4) == NULL && errno == EINVAL);
    IS(initstate_r(1, state[0], sizeof state[0], &data), 0);
    IS(random_r(&data, &number), 0);
    TRUE(number == numbers[0]);
    IS(srandom_r(1, &data), 0);
    IS(random_r(&data, &number), 0);
    TRUE(number == numbers[0]);
    IS(setstate_r(state[1], &data), 0);
    FAILS(initstate_r(1, state[0], 4, &data), EINVAL);
}

static void words(void)
{
    section("names of signals and errors");
    check_text(sigabbrev_np(SIGTERM), "TERM", "SIGTERM");
    check_text(sigdescr_np(SIGTERM), "Terminated", "SIGTERM");
    check_text(sigabbrev_np(SIGUSR2), "USR2", "SIGUSR2");
    TRUE(sigabbrev_np(0) == NULL && sigdescr_np(1000) == NULL && sigabbrev_np(-1) == NULL);
    check_text(strerrorname_np(ECONNRESET), "ECONNRESET", "ECONNRESET");
    check_text(strerrorname_np(EAGAIN), "EAGAIN", "EAGAIN");
    check_text(strerrorname_np(0), "0", "0");
    check_text(strerrordesc_np(EINVAL), "Invalid argument", "EINVAL");
    TRUE(strerrorname_np(99999) == NULL && strerrordesc_np(-1) == NULL);
    const struct lconv *here = localeconv();
    check_text(here->decimal_point, ".", "decimal_point");
    TRUE(here->int_p_cs_precedes == CHAR_MAX && here->int_n_sign_posn == CHAR_MAX);
}

static void system_calls(void)
{
    char name[] = "gnuXXXXXX";
    char host[200] = "";
    double averages[3] = {-1, -1, -1};
    struct stat about;
    section("paths and the system");
    int fd = mkstemp(name);
    TRUE(fd >= 0);
    char *whole = canonicalize_file_name(name);
    TRUE(whole != NULL && strcmp(strrchr(whole, '/') + 1, name) == 0);
    free(whole);
    TRUE(canonicalize_file_name("none") == NULL && errno == ENOENT);
    IS(lchmod(name, 0400), 0);
    IS(stat(name, &about), 0);
    TRUE((about.st_mode & 0700) == 0400);
    IS(fchmod(fd, 0600), 0);
    IS(fstat(fd, &about), 0);
    TRUE((about.st_mode & 0700) == 0600);
    int reader = open(name, O_RDONLY);
    IS(fchmod(reader, 0444), 0);
    IS(close(reader), 0);
    IS(stat(name, &about), 0);
    TRUE((about.st_mode & 0777) == 0444);
    TRUE(about.st_mtime > 1000000000);
    FAILS(fchmod(-1, 0600), EBADF);
    FAILS(grantpt(-1), EBADF);
    FAILS(unlockpt(-1), EBADF);
    FAILS(grantpt(fd), EINVAL);
    FAILS(unlockpt(fd), EINVAL);
    TRUE(ptsname(fd) == NULL && errno == ENOTTY);
    TRUE(!IS_WINDOWS || (posix_openpt(O_RDWR) == -1 && errno == ENOSYS));
    (void)close(fd);
    IS(unlink(name), 0);
    TRUE(mkfifoat(AT_FDCWD, name, 0600) == (IS_WINDOWS ? -1 : 0));
    TRUE(!IS_WINDOWS || errno == EPERM);
    (void)unlink(name);
    FAILS(mkfifoat(-1, "fifo", 0600), EBADF);
    FAILS(mknodat(-1, "fifo", S_IFIFO | 0600, 0), EBADF);
    TRUE(sethostname(host, sizeof host) == -1);
    TRUE(getloadavg(averages, 3) == (IS_WINDOWS ? -1 : 3) && (!IS_WINDOWS || errno == ENOSYS));
    TRUE(environ != NULL && *environ != NULL && strchr(*environ, '=') != NULL);
    FILE *stream = tmpfile();
    IS(__fpending(stream), 0);
    TRUE(fputs("four", stream) >= 0);
    IS(__fpending(stream), 4);
    IS(fflush(stream), 0);
    IS(__fpending(stream), 0);
    IS(fclose(stream), 0);
}

void gnu_functions(void)
{
    texts();
    limits();
    numbers();
    words();
    system_calls();
}
