/* tests/posix/patterns.c - prints the lines of its input that a pattern matches, and where:
 *
 *   patterns PATTERN < lines
 *
 * For ci/posix-programs.sh, which builds it natively with the C library's regex.h, and for Windows
 * with that of TRE; both have to print the same.
 */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#define GROUPS 4

int main(int argc, char **argv)
{
    regex_t pattern;
    regmatch_t found[GROUPS];
    char line[512];
    if (argc != 2)
        return 2;
    int status = regcomp(&pattern, argv[1], REG_EXTENDED | REG_ICASE);
    if (status != 0) {
        /* The texts of regerror() are each library's own. */
        fprintf(stderr, "patterns: %s\n", status == REG_ERANGE ? "an empty range" : "wrong");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (regexec(&pattern, line, GROUPS, found, 0) != 0)
            continue;
        for (int i = 0; i < GROUPS; i++)
            printf("%d-%d ", (int)found[i].rm_so, (int)found[i].rm_eo);
        printf("%s\n", line);
    }
    regfree(&pattern);
    return 0;
}
