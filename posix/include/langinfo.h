/* langinfo.h - what a locale says, which here is the C locale but for the code page. */
#ifndef PLX_POSIX_LANGINFO_H
#define PLX_POSIX_LANGINFO_H

#include <plx_posix/locale_type.h>

typedef int nl_item;

/* Days, months and their short forms follow each other. */
#define DAY_1       1
#define DAY_2       2
#define DAY_3       3
#define DAY_4       4
#define DAY_5       5
#define DAY_6       6
#define DAY_7       7
#define ABDAY_1     11
#define ABDAY_2     12
#define ABDAY_3     13
#define ABDAY_4     14
#define ABDAY_5     15
#define ABDAY_6     16
#define ABDAY_7     17
#define MON_1       21
#define MON_2       22
#define MON_3       23
#define MON_4       24
#define MON_5       25
#define MON_6       26
#define MON_7       27
#define MON_8       28
#define MON_9       29
#define MON_10      30
#define MON_11      31
#define MON_12      32
#define ABMON_1     41
#define ABMON_2     42
#define ABMON_3     43
#define ABMON_4     44
#define ABMON_5     45
#define ABMON_6     46
#define ABMON_7     47
#define ABMON_8     48
#define ABMON_9     49
#define ABMON_10    50
#define ABMON_11    51
#define ABMON_12    52
#define CODESET     61
#define RADIXCHAR   62
#define THOUSEP     63
#define D_T_FMT     64
#define D_FMT       65
#define T_FMT       66
#define T_FMT_AMPM  67
#define AM_STR      68
#define PM_STR      69
#define YESEXPR     70
#define NOEXPR      71
#define CRNCYSTR    72
#define ERA         73
#define ERA_D_FMT   74
#define ERA_D_T_FMT 75
#define ERA_T_FMT   76
#define ALT_DIGITS  77

PLX_POSIX_BEGIN

char *nl_langinfo(nl_item item) PLX_POSIX_NEW(nl_langinfo);
char *nl_langinfo_l(nl_item item, locale_t locale) PLX_POSIX_NEW(nl_langinfo_l);

PLX_POSIX_END
#endif
