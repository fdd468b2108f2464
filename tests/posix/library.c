/* tests/posix/library.c - what the C library does, where that of Windows differs or was doubted. */
#include "check.h"
#include "gnu.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* With the compiler's knowledge of formats out of the way, which warns of some of these. */
static int (*const print)(char *, size_t, const char *, ...) = snprintf;
static int (*const scan)(const char *, const char *, ...) = sscanf;

static void numbers(void)
{
    char *end = NULL;
    section("numbers");
    TRUE(atof("0x1.8p3") == 12.0);
    TRUE(atof(" -inf") < 0 && atof("infinity") > 1e300);
    double not_a_number = atof("nan");
    TRUE(not_a_number != not_a_number);
    TRUE(atof("1d5") == 1.0);
    TRUE(atof("12.5e1x") == 125.0);
    TRUE(strtod("0x1p-2z", &end) == 0.25 && *end == 'z');
    errno = 0;
    TRUE(strtod("1e999", &end) > 1e300 && errno == ERANGE);
    errno = 0;
    TRUE(strtod("1e-999", &end) == 0 && errno == ERANGE);
    TRUE(strtod("1e", &end) == 1.0 && *end == 'e');
    TRUE(strtod("nan(x)y", &end) != 0 && *end == 'y');
    errno = 0;
    TRUE(strtoll("9223372036854775808", &end, 10) == LLONG_MAX && errno == ERANGE);
    errno = 0;
    TRUE(strtoull("-1", &end, 10) == ULLONG_MAX && errno == 0);
    errno = 0;
    TRUE(strtol("1", &end, 37) == 0 && errno == EINVAL);
    TRUE(strtoimax("0x7f", &end, 0) == 127 && *end == '\0');
}

/* "0x" without a digit is a 0 before an x. */
static void prefixes(void)
{
    char *end = NULL;
    section("numbers that end after 0x");
    TRUE(strtol("0x", &end, 0) == 0 && strcmp(end, "x") == 0);
    TRUE(strtol(" \n-0Xyz", &end, 16) == 0 && strcmp(end, "Xyz") == 0);
    TRUE(strtol("0x", &end, 10) == 0 && strcmp(end, "x") == 0);
    TRUE(strtol("+x", &end, 16) == 0 && strcmp(end, "+x") == 0);
    TRUE(strtol("0x1fg", &end, 0) == 31 && strcmp(end, "g") == 0);
    TRUE(strtoul("0xg", &end, 0) == 0 && strcmp(end, "xg") == 0);
    TRUE(strtoll("0x", &end, 16) == 0 && strcmp(end, "x") == 0);
    TRUE(strtoull("+0x", &end, 0) == 0 && strcmp(end, "x") == 0);
    TRUE(strtoimax("0x", &end, 0) == 0 && strcmp(end, "x") == 0);
    TRUE(strtoumax("0x", &end, 16) == 0 && strcmp(end, "x") == 0);
    TRUE(strtol("0x", NULL, 0) == 0 && strtoull("12", NULL, 0) == 12);
    errno = 0;
    TRUE(strtoll("-9223372036854775809", &end, 0) == LLONG_MIN && errno == ERANGE);
    errno = 0;
    TRUE(strtoull("18446744073709551616", &end, 0) == ULLONG_MAX && errno == ERANGE);
    TRUE(strtoull("18446744073709551615", &end, 0) == ULLONG_MAX && *end == '\0');
    TRUE(strtoll("zz", &end, 36) == 35 * 36 + 35 && *end == '\0');
    TRUE(strtoll("", &end, 0) == 0 && *end == '\0');
}

static void suboptions(void)
{
    char *const names[] = {(char[]){"size"}, (char[]){"ro"}, NULL};
    char text[] = "ro,size=a=b,sizes=1,,size=,last";
    char *rest = text;
    char *value = NULL;
    section("getsubopt");
    TRUE(getsubopt(&rest, names, &value) == 1 && value == NULL);
    TRUE(getsubopt(&rest, names, &value) == 0);
    check_text(value, "a=b", "value");
    TRUE(getsubopt(&rest, names, &value) == -1);
    check_text(value, "sizes=1", "none of the names");
    TRUE(getsubopt(&rest, names, &value) == -1);
    check_text(value, "", "empty");
    TRUE(getsubopt(&rest, names, &value) == 0);
    check_text(value, "", "value");
    TRUE(getsubopt(&rest, names, &value) == -1 && *rest == '\0');
    check_text(value, "last", "none of the names");
    TRUE(getsubopt(&rest, names, &value) == -1);
    TRUE(MCL_CURRENT == 1 && MCL_FUTURE == 2);
    TRUE(MADV_RANDOM == 1 && MADV_SEQUENTIAL == 2 && MADV_WILLNEED == 3);
}

static void prints(const char *wanted, const char *got)
{
    check_text(got, wanted, "printed");
}

static void printing(void)
{
    char text[100];
    volatile size_t room = 5; /* The compiler would warn of what is cut. */
    section("printf, scanf");
    (void)print(text, sizeof text, "%zu %lld %jd %td %hhd", (size_t)1 << 40, LLONG_MIN, INTMAX_MAX,
                (ptrdiff_t)-9, 44);
    prints("1099511627776 -9223372036854775808 9223372036854775807 -9 44", text);
    (void)print(text, sizeof text, "%a %.2a %e %g %F", 1.0, 3.14159, 1e100, 1e10, INFINITY);
    prints("0x1p+0 0x1.92p+1 1.000000e+100 1e+10 INF", text);
    (void)print(text, sizeof text, "%.0f %.0f %.20f %Lf", 0.5, 1.5, 0.1, 1.5L);
    prints("0 2 0.10000000000000000555 1.500000", text);
    errno = ENOENT;
    (void)print(text, sizeof text, "%m %*d|%-*d|%.*s", 4, 42, 4, 42, 3, "abcdef");
    prints("No such file or directory   42|42  |abc", text);
    IS(print(text, room, "%s", "abcdefgh"), 8);
    prints("abcd", text);
    IS(print(NULL, 0, "%d", 12345), 5);
    char *made = NULL;
    char *set = NULL;
    size_t size = 0;
    double value = 0;
    intmax_t large = 0;
    IS(scan("hello ab1 77 0x1.8p1 -5", "%ms %m[a-z]1 %zu %lf %jd", &made, &set, &size, &value,
            &large),
       5);
    prints("hello", made);
    prints("ab", set);
    TRUE(size == 77 && value == 3.0 && large == -5);
    free(made);
    free(set);
    IS(scan("", "%d", &(int){0}), EOF);
    IS(scan("x", "%d", &(int){0}), 0);
}

/* To a descriptor's stream and back. */
static int print_stream(char *text, size_t size, const char *format, ...)
{
    FILE *stream = tmpfile();
    va_list arguments;
    va_start(arguments, format);
    int length = vfprintf(stream, format, arguments);
    va_end(arguments);
    rewind(stream);
    text[fread(text, 1, size - 1, stream)] = '\0';
    (void)fclose(stream);
    return length;
}

static void positions(void)
{
    char text[100];
    char *made = NULL;
    int count = 0;
    volatile size_t room = 5;
    int (*const print_text)(char *, const char *, ...) = sprintf;
    int (*const print_made)(char **, const char *, ...) = asprintf;
    section("printf by position");
    IS(print(text, sizeof text, "%2$d %1$d", 33, 55), 5);
    prints("55 33", text);
    IS(print_text(text, "%2$s=%1$lld, %2$s 100%% $5", 1LL << 40, "size"), 32);
    prints("size=1099511627776, size 100% $5", text);
    IS(print_stream(text, sizeof text, "%3$*1$.*2$f|%3$-8.1f|%4$c", 7, 2, 3.14159, 'x'), 18);
    prints("   3.14|3.1     |x", text);
    IS(print_made(&made, "%3$Lg %1$zu %2$p%4$n", (size_t)7, NULL, 1.5L, &count) > 5, 1);
    TRUE(strncmp(made, "1.5 7 ", 6) == 0 && count == (int)strlen(made));
    free(made);
    IS(print(text, room, "%2$s%1$s", "def", "abc"), 6);
    prints("abcd", text);
    IS(print(NULL, 0, "%1$d%1$x", 12), 3);
    IS(print(text, sizeof text, "%2$*1$d|%2$0*3$d", -4, 5, 3), 8);
    prints("5   |005", text);
    IS(print(text, sizeof text, "$1 %d $", 5), 6);
    prints("$1 5 $", text);
    IS(print(text, sizeof text, "%%1$d%d", 5), 5);
    prints("%1$d5", text);
}

static int compare(const void *left, const void *right, void *data)
{
    const int *one = left;
    const int *other = right;
    (*(int *)data)++;
    return (*one > *other) - (*one < *other);
}

static void memory(void)
{
    int values[100];
    int calls = 0;
    int in_order = 0;
    char text[8];
    section("sorting, memory, text");
    for (int i = 0; i < 100; i++)
        values[i] = i * 37 % 101;
    qsort_r(values, 100, sizeof values[0], compare, &calls);
    for (int i = 1; i < 100; i++)
        in_order += values[i - 1] <= values[i];
    IS(in_order, 99);
    TRUE(calls > 99);
    qsort_r(values, 0, sizeof values[0], compare, &calls);
    errno = 0;
    volatile size_t many = SIZE_MAX / 2;
    TRUE(reallocarray(NULL, many, 3) == NULL && errno == ENOMEM);
    char *made = reallocarray(NULL, 5, 2);
    TRUE(made != NULL);
    free(made);
    memset(text, 'x', sizeof text);
    TRUE(stpncpy(text, "abc", 6) == text + 3 && text[5] == '\0' && text[6] == 'x');
    TRUE(stpncpy(text, "abcdef", 4) == text + 4 && text[4] == '\0');
    TRUE(index("abcb", 'b')[1] == 'c' && rindex("abcb", 'b')[1] == '\0' && index("a", 'b') == NULL);
}

static void randomness(void)
{
    int first[5];
    int same = 0;
    int bits = 0;
    unsigned int state = 1;
    section("rand");
    IS(RAND_MAX, 0x7fffffff);
    srand(7);
    for (int i = 0; i < 5; i++)
        first[i] = rand();
    srand(7);
    for (int i = 0; i < 5; i++)
        same += rand() == first[i];
    IS(same, 5);
    for (int i = 0; i < 1000; i++)
        bits |= rand();
    IS(bits, RAND_MAX);
    bits = 0;
    for (int i = 0; i < 1000; i++)
        bits |= rand_r(&state);
    IS(bits, RAND_MAX);
}

static long size_of(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (long)about.st_size : -1;
}

static void streams(void)
{
    char name[] = "libraryXXXXXX";
    char *line = NULL;
    size_t size = 0;
    section("streams");
    IS(close(mkstemp(name)), 0);
    FILE *stream = fopen(name, "w+");
    IS(setvbuf(stream, NULL, _IOLBF, 0), 0);
    (void)fprintf(stream, "%d lines\n", 1);
    IS(size_of(name), 8);
    setlinebuf(stream);
    (void)fputs("more\n", stream);
    IS(size_of(name), 13);
    IS(fclose(stream), 0);
    stream = fopen(name, "w");
    IS(setvbuf(stream, NULL, _IOFBF, 0), 0);
    (void)fputs("not yet\n", stream);
    IS(size_of(name), 0);
    IS(fclose(stream), 0);
    IS(size_of(name), 8);
    stream = fopen(name, "r");
    setlinebuf(stream);
    IS(getc(stream), 'n');
    IS(fclose(stream), 0);
    stream = fopen(name, "w+");
    IS(setvbuf(stream, NULL, 77, 100), -1);
    for (int i = 0; i < 300000; i++)
        (void)putc_unlocked('a' + i % 25, stream);
    (void)fputs("\n\nlast", stream);
    rewind(stream);
    flockfile(stream);
    IS(getc_unlocked(stream), 'a');
    IS(ungetc('a', stream), 'a');
    funlockfile(stream);
    IS(getline(&line, &size, stream), 300001);
    TRUE(line[0] == 'a' && line[26] == 'b' && line[300000] == '\n' && line[300001] == '\0');
    IS(getline(&line, &size, stream), 1);
    IS(getdelim(&line, &size, 's', stream), 3);
    IS(getline(&line, &size, stream), 1);
    IS(getline(&line, &size, stream), -1);
    TRUE(feof(stream));
    free(line);
    IS(fclose(stream), 0);
    IS(unlink(name), 0);
}

static void temporary(void)
{
    char text[8] = "";
    section("tmpfile");
    FILE *stream = tmpfile();
    TRUE(stream != NULL && fileno(stream) > 2);
    TRUE(fputs("hello", stream) >= 0);
    rewind(stream);
    IS(fread(text, 1, sizeof text, stream), 5);
    check_text(text, "hello", "read again");
    IS(fclose(stream), 0);
}

static void locales(void)
{
    section("locales");
    check_text(setlocale(LC_ALL, NULL), "C", "at the start");
    check_text(setlocale(LC_ALL, "POSIX"), "C", "POSIX");
    check_text(setlocale(LC_MESSAGES, "C"), "C", "LC_MESSAGES");
    (void)setenv("LC_ALL", "C", 1);
    check_text(setlocale(LC_ALL, ""), "C", "LC_ALL=C");
    (void)unsetenv("LC_ALL");
    (void)setenv("LANG", "POSIX", 1);
    check_text(setlocale(LC_NUMERIC, ""), "C", "LANG=POSIX");
    TRUE(setlocale(LC_ALL, "no such one") == NULL);
    check_text(localeconv()->decimal_point, ".", "decimal_point");
}

static void words(void)
{
    static const struct {
        nl_item item;
        const char *wanted;
    } rows[] = {
        {CODESET, "ANSI_X3.4-1968"},
        {RADIXCHAR, "."},
        {THOUSEP, ""},
        {D_T_FMT, "%a %b %e %H:%M:%S %Y"},
        {D_FMT, "%m/%d/%y"},
        {T_FMT, "%H:%M:%S"},
        {T_FMT_AMPM, "%I:%M:%S %p"},
        {AM_STR, "AM"},
        {PM_STR, "PM"},
        {DAY_1, "Sunday"},
        {DAY_7, "Saturday"},
        {ABDAY_1, "Sun"},
        {ABDAY_7, "Sat"},
        {MON_1, "January"},
        {MON_12, "December"},
        {ABMON_1, "Jan"},
        {ABMON_12, "Dec"},
        {YESEXPR, "^[yY]"},
        {NOEXPR, "^[nN]"},
        {CRNCYSTR, "-"},
        {ERA, ""},
        {(nl_item)99999, ""},
    };
    section("nl_langinfo");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_text(nl_langinfo(rows[i].item), rows[i].wanted, "nl_langinfo");
}

static void processor(void)
{
    section("clock");
    IS(CLOCKS_PER_SEC, 1000000);
    clock_t before = clock();
    IS(usleep(300000), 0);
    clock_t slept = clock() - before;
    TRUE(slept >= 0 && slept < 200000);
    before = clock();
    double start = seconds_now();
    volatile unsigned work = 0;
    while (clock() - before < 50000)
        work++;
    TRUE(work > 0 && seconds_now() - start > 0.04);
    struct timespec now = {0, -1};
    IS(timespec_get(&now, TIME_UTC), TIME_UTC);
    TRUE(now.tv_nsec >= 0 && llabs((long long)now.tv_sec - time(NULL)) < 3);
    IS(timespec_get(&now, 99), 0);
}

int main(void)
{
    numbers();
    prefixes();
    suboptions();
    printing();
    positions();
    memory();
    randomness();
    streams();
    temporary();
    locales();
    words();
    processor();
    gnu_functions();
    return check_end();
}
