/* tests/posix/utilities.c - the generators of 48 bits, base 64, tables and lists, and small things
 * of the C library.
 */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "check.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <search.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The standard says which numbers come. */
static void generators(void)
{
    unsigned short state[3] = {1, 2, 3};
    section("48 bits");
    IS(lrand48(), 0);
    srand48(1);
    IS(lrand48(), 89400484);
    IS(lrand48(), 976015093);
    IS(mrand48(), -709454646);
    TRUE(drand48() > 0.3336 && drand48() < 1.0);
    srand48(-7);
    IS(lrand48(), 161516272);
    IS(nrand48(state), 949179875);
    IS(jrand48(state), 1130126687);
    IS(state[0], 61731);
    IS(state[2], 17244);
    IS((long)(erand48(state) * 1e9), 654138252);
    unsigned short *before = seed48(state);
    IS(before[1], 5601);
    IS(lrand48(), 903337097);
    IS(lrand48() == nrand48(seed48(before)), 0);
    unsigned short parameters[7] = {1, 2, 3, 5, 0, 0, 1};
    lcong48(parameters);
    IS(lrand48(), 491525);
    IS(nrand48(state), 581305063);
    srand48(1);
    IS(lrand48(), 89400484);
}

static void base_64(void)
{
    section("base 64");
    check_text(l64a(0), "", "l64a(0)");
    check_text(l64a(1), "/", "l64a(1)");
    check_text(l64a(123456789), "JowK5", "l64a(123456789)");
    check_text(l64a(-1), "zzzzz1", "l64a(-1)");
    IS(a64l(""), 0);
    IS(a64l("JowK5"), 123456789);
    IS((int)a64l("zzzzz1"), -1);
    IS(a64l("/!z"), 1);
    IS((int)a64l("zzzzz0z"), (int)a64l("zzzzz0"));
}

static ENTRY entry_of(const char *key, void *data)
{
    ENTRY entry = {.key = (char *)(uintptr_t)key, .data = data};
    return entry;
}

static void tables(void)
{
    int values[200];
    char keys[200][8];
    bool is_right = true;
    section("tables");
    TRUE(hcreate(200) != 0);
    for (int i = 0; i < 200; i++) {
        keys[i][0] = (char)('a' + i % 26);
        keys[i][1] = (char)('a' + i / 26);
        keys[i][2] = '\0';
        ENTRY *entered = hsearch(entry_of(keys[i], &values[i]), ENTER);
        is_right &= entered != NULL && entered->key == keys[i];
    }
    TRUE(is_right);
    for (int i = 0; i < 200; i++) {
        const ENTRY *found = hsearch(entry_of(keys[i], NULL), FIND);
        is_right &= found != NULL && found->data == &values[i];
    }
    TRUE(is_right);
    TRUE(hsearch(entry_of("ab", NULL), ENTER)->data == &values[26]);
    errno = 0;
    TRUE(hsearch(entry_of("nobody", NULL), FIND) == NULL && errno == ESRCH);
    TRUE(hcreate(3) == 0); /* There is one. */
    hdestroy();
    TRUE(hcreate(3) != 0);
    TRUE(hsearch(entry_of("ab", NULL), FIND) == NULL);
    for (int i = 0; is_right && i < 200; i++)
        is_right = hsearch(entry_of(keys[i], NULL), ENTER) != NULL;
    TRUE(!is_right && errno == ENOMEM);
    hdestroy();
}

typedef struct item {
    struct item *next;
    struct item *previous;
    int value;
} item;

static int compare(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

static void lists(void)
{
    item items[3] = {{NULL, NULL, 0}, {NULL, NULL, 1}, {NULL, NULL, 2}};
    int numbers[4] = {5, 6, 7, 0};
    int wanted = 6;
    size_t count = 3;
    section("lists and arrays");
    insque(&items[0], NULL);
    TRUE(items[0].next == NULL && items[0].previous == NULL);
    insque(&items[2], &items[0]);
    insque(&items[1], &items[0]);
    TRUE(items[0].next == &items[1] && items[1].next == &items[2] && items[2].next == NULL);
    TRUE(items[2].previous == &items[1] && items[1].previous == &items[0]);
    remque(&items[1]);
    TRUE(items[0].next == &items[2] && items[2].previous == &items[0]);
    remque(&items[0]);
    TRUE(items[2].previous == NULL);
    TRUE(lfind(&wanted, numbers, &count, sizeof wanted, compare) == &numbers[1]);
    wanted = 9;
    TRUE(lfind(&wanted, numbers, &count, sizeof wanted, compare) == NULL);
    TRUE(lsearch(&wanted, numbers, &count, sizeof wanted, compare) == &numbers[3]);
    IS(numbers[3], 9);
    IS(count, 4);
}

static void rest(void)
{
    static jmp_buf place;
    static volatile int turns;
    section("mathematics, jumps, wait's words");
    TRUE(fabs(j0(1.0) - 0.7651976865579666) < 1e-12 && fabs(j1(1.0) - 0.4400505857449335) < 1e-12);
    TRUE(fabs(jn(2, 1.0) - 0.1149034849319005) < 1e-12);
    TRUE(fabs(y0(1.0) - 0.0882569642156769) < 1e-12 && fabs(y1(1.0) + 0.7812128213002887) < 1e-12);
    TRUE(fabs(yn(2, 1.0) + 1.6506826068162544) < 1e-12);
    TRUE(MAXFLOAT == FLT_MAX);
    TRUE((math_errhandling & (MATH_ERRNO | MATH_ERREXCEPT)) != 0);
    volatile double minus_one = -1.0;
    errno = 0;
    TRUE(sqrt(minus_one) != 0 && errno == EDOM);
    turns = 0;
    switch (_setjmp(place)) {
    case 0:
        _longjmp(place, 3);
    case 3:
        turns++;
        break;
    default:
        turns = 99;
    }
    if (setjmp(place) == 0)
        longjmp(place, 1);
    turns++;
    IS(turns, 2);
    /* By <stdlib.h> alone. */
    TRUE(WIFEXITED(0x300) && WEXITSTATUS(0x300) == 3 && !WIFSIGNALED(0x300));
    TRUE(WIFSIGNALED(9) && WTERMSIG(9) == 9 && !WIFSTOPPED(9));
    TRUE(WNOHANG != WUNTRACED);
}

int main(void)
{
    generators();
    base_64();
    tables();
    lists();
    rest();
    return check_end();
}
