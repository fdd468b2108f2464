/* tests/posix/small.c - the small headers: money, volumes, messages, catalogues, logins, archives.
 */
#include "check.h"

#include <cpio.h>
#include <errno.h>
#include <fcntl.h>
#include <fmtmsg.h>
#include <locale.h>
#include <monetary.h>
#include <nl_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <tar.h>
#include <ulimit.h>
#include <unistd.h>
#include <utmpx.h>

static void money(void)
{
    char text[64];
    section("strfmon");
#define MONEY(format, amount, wanted)                                                              \
    (IS(strfmon(text, sizeof text, format, amount), strlen(wanted)),                               \
     check_text(text, wanted, "strfmon(" #format ", " #amount ")"))
    MONEY("%n", 1234.567, "1234.57");
    MONEY("%i", -1234.567, "-1234.57");
    MONEY("[%12n]", 5.5, "[        5.50]");
    MONEY("[%-12n]", 5.5, "[5.50        ]");
    MONEY("%(n", -5.5, "(5.50)");
    MONEY("%+n", -5.5, "-5.50");
    MONEY("%!n", -5.5, "-5.50");
    MONEY("%^n", 1234567.0, "1234567.00");
    MONEY("%=*#8n", 12.3, " ******12.30");
    MONEY("%#8n", -12.3, "-      12.30");
    MONEY("%=0#6.1n", 12.36, " 000012.4");
    MONEY("%.0n", 12.6, "13");
    MONEY("%.4i", 12.6, "12.6000");
    MONEY("%% %n x", 1.0, "% 1.00 x");
    MONEY("%(#5n", 12.0, "    12.00");
    MONEY("%(#5n", -12.0, "(   12.00)");
    MONEY("%=*^#8.3n", 12345.0, " ***12345.000");
    MONEY("%-14#5.4n|", 1.5, "     1.5000   |");
    MONEY("[%14#5.4n]", -1.5, "[   -    1.5000]");
    IS(strfmon(text, sizeof text, "%n %n", 1.0, -2.0), 10);
    check_text(text, "1.00 -2.00", "two amounts");
    FAILS(strfmon(text, 7, "%n", 1234.5), E2BIG);
    IS(strfmon(text, 8, "%n", 1234.5), 7);
    static ssize_t (*const unchecked)(char *, size_t, const char *, ...) = strfmon;
    FAILS(unchecked(text, sizeof text, "%q", 1.0), EINVAL);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    IS(strfmon_l(text, sizeof text, plain, "%n", 2.0), 4);
    freelocale(plain);
}

static void volumes(void)
{
    struct statvfs by_path;
    struct statvfs by_fd;
    section("statvfs");
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    IS(statvfs("/tmp", &by_path), 0);
    IS(fstatvfs(fd, &by_fd), 0);
    TRUE(by_path.f_blocks > 0 && by_path.f_blocks == by_fd.f_blocks);
    TRUE(by_path.f_bfree <= by_path.f_blocks && by_path.f_bavail <= by_path.f_bfree);
    TRUE(by_path.f_bsize >= 512 && by_path.f_frsize >= 512);
    TRUE(by_path.f_namemax >= 255 && by_path.f_fsid == by_fd.f_fsid);
    IS(by_path.f_flag & ST_RDONLY, 0);
    FAILS(statvfs("/tmp/there is no such file", &by_path), ENOENT);
    IS(close(fd), 0);
    FAILS(fstatvfs(fd, &by_fd), EBADF);
}

/* What the call wrote to stderr. */
static const char *written;
static int result;

static void told(int fd, int code)
{
    static char text[512];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    written = text;
    result = code;
    (void)ftruncate(fd, 0);
    (void)lseek(fd, 0, SEEK_SET);
}

static void messages(void)
{
    char name[] = "/tmp/smallXXXXXX";
    section("fmtmsg");
    int before = dup(2);
    int fd = mkstemp(name);
    TRUE(before >= 0 && fd >= 0 && dup2(fd, 2) == 2);
    (void)unsetenv("MSGVERB");
    told(fd,
         fmtmsg(MM_SOFT | MM_PRINT, "UX:cat", MM_ERROR, "bad syntax", "see manual", "UX:cat:1"));
    IS(result, MM_OK);
    check_text(written, "UX:cat: ERROR: bad syntax\nTO FIX: see manual  UX:cat:1\n", "all");
    told(fd, fmtmsg(MM_PRINT, MM_NULLLBL, MM_HALT, "text", MM_NULLACT, MM_NULLTAG));
    check_text(written, "HALT: text\n", "severity and text");
    told(fd, fmtmsg(MM_PRINT, "UX:cat", MM_NOSEV, "text", MM_NULLACT, "UX:cat:1"));
    check_text(written, "UX:cat: text\nUX:cat:1\n", "no severity");
    told(fd, fmtmsg(MM_PRINT, "UX:cat", MM_NULLSEV, MM_NULLTXT, "act", MM_NULLTAG));
    check_text(written, "UX:cat: TO FIX: act\n", "no text");
    told(fd, fmtmsg(MM_PRINT, "nocolon", MM_INFO, "text", "act", "UX:cat:1"));
    IS(result, MM_NOTOK);
    told(fd, fmtmsg(MM_PRINT, "UX:cat", 77, "text", "act", "UX:cat:1"));
    IS(result, MM_NOTOK);
    check_text(written, "", "wrong uses");
    told(fd, fmtmsg(MM_RECOVER, "UX:cat", MM_WARNING, "text", "act", "UX:cat:1"));
    IS(result, MM_OK);
    check_text(written, "", "nowhere");
    IS(dup2(before, 2), 2);
    TRUE(close(before) == 0 && close(fd) == 0 && unlink(name) == 0);
}

static void catalogues(void)
{
    section("catalogues, limits, logins");
    errno = 0;
    nl_catd catalogue = catopen("no catalogue of this name", NL_CAT_LOCALE);
    TRUE(catalogue == (nl_catd)-1 && errno == ENOENT);
    check_text(catgets(catalogue, NL_SETD, 1, "default"), "default", "catgets");
    FAILS(catclose(catalogue), EBADF);
    TRUE(ulimit(UL_GETFSIZE) > 1000000);
    FAILS(ulimit(99), EINVAL);
    struct utmpx wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.ut_type = USER_PROCESS;
    wanted.ut_tv.tv_sec = 1;
    setutxent();
    const struct utmpx *entry = getutxent();
    TRUE(entry == NULL || entry->ut_type >= EMPTY);
    endutxent();
    (void)snprintf(wanted.ut_line, sizeof wanted.ut_line, "none");
    TRUE(getutxline(&wanted) == NULL);
    memcpy(wanted.ut_id, "zzzz", sizeof wanted.ut_id);
    setutxent();
    TRUE(getutxid(&wanted) == NULL);
    endutxent();
    TRUE(!IS_WINDOWS || (pututxline(&wanted) == NULL && errno == EPERM));
    TRUE(BOOT_TIME != NEW_TIME && LOGIN_PROCESS != DEAD_PROCESS && INIT_PROCESS != OLD_TIME);
}

static void archives(void)
{
    section("tar, cpio");
    TRUE(strcmp(TMAGIC, "ustar") == 0 && TMAGLEN == 6 && memcmp(TVERSION, "00", TVERSLEN) == 0);
    TRUE(REGTYPE == '0' && AREGTYPE == '\0' && LNKTYPE == '1' && SYMTYPE == '2' && CHRTYPE == '3');
    TRUE(BLKTYPE == '4' && DIRTYPE == '5' && FIFOTYPE == '6' && CONTTYPE == '7');
    IS(TSUID | TSGID | TSVTX, 07000);
    IS(TUREAD | TUWRITE | TUEXEC, 0700);
    IS(TGREAD | TGWRITE | TGEXEC, 0070);
    IS(TOREAD | TOWRITE | TOEXEC, 0007);
    TRUE(strcmp(MAGIC, "070707") == 0);
    IS(C_IRUSR | C_IWUSR | C_IXUSR, 0700);
    IS(C_IRGRP | C_IWGRP | C_IXGRP, 0070);
    IS(C_IROTH | C_IWOTH | C_IXOTH, 0007);
    IS(C_ISUID | C_ISGID | C_ISVTX, 07000);
    IS(C_ISREG, 0100000);
    IS(C_ISDIR, 040000);
    IS(C_ISLNK, 0120000);
    IS(C_ISSOCK, 0140000);
    IS(C_ISFIFO | C_ISCHR | C_ISBLK | C_ISCTG, 0170000);
}

int main(void)
{
    money();
    volumes();
    messages();
    catalogues();
    archives();
    return check_end();
}
