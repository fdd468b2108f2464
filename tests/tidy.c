/* tests/tidy.c - the rules of style that a program can check. `tidy ROOT FILE...`
 *
 * What is where: system headers only under platform/ and backends/ (and none in public headers);
 * core/ names no backend. How long: lines, functions, files. What is never: marks of unfinished
 * work, switched-off code, tabs, blanks at line ends. Each finding is a line; any makes it fail.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_ = 100, FUNCTION_MAX = 70, FILE_MAX = 600 };

static int findings;
static const char *file_name; /* Below the root. */
static int line_number;

static void found(const char *what)
{
    printf("%s:%d: %s\n", file_name, line_number, what);
    findings++;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t wanted = strlen(suffix);
    return length >= wanted && strcmp(text + length - wanted, suffix) == 0;
}

static bool is_c(void)
{
    return ends(file_name, ".c") || ends(file_name, ".h");
}

/* Whether `word` stands in the line as a word of its own. */
static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = line; (at = strstr(at, word)) != NULL; at += length) {
        bool before = at != line && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool after = isalnum((unsigned char)at[length]) || at[length] == '_';
        if (!before && !after)
            return true;
    }
    return false;
}

static void check_include(const char *line)
{
    /* The headers of C itself, Check's, and our own. All others are a system's or a library's. */
    static const char *const allowed[] = {
        "assert", "ctype",     "errno",   "inttypes", "limits",    "math",        "signal",
        "stdarg", "stdatomic", "stdbool", "stddef",   "stdint",    "stdio",       "stdlib",
        "string", "time",      "intrin",  "check",    "curl/curl", "cjson/cJSON",
    };
    char header[128];
    if (starts(file_name, "platform/") || starts(file_name, "backends/") ||
        starts(file_name, "posix/"))
        return;
    if (starts(file_name, "bench/")) /* Its contestants are loops over the system itself. */
        return;
    /* The system is what these are about. */
    if (starts(file_name, "tests/winsock_double") || starts(file_name, "tests/windows_facts"))
        return;
    if (starts(file_name, "include/pollux/adapters/")) /* Each is about one library. */
        return;
    /* Ordinary POSIX programs, which is what the POSIX layer is for and is tested with. */
    if (starts(file_name, "tests/posix/") || starts(file_name, "examples/posix_"))
        return;
    if (starts(file_name, "examples/workers.c")) /* Its handlers call the system. */
        return;
    if (sscanf(line, "#include <%127[^>]>", header) != 1 || starts(header, "pollux/"))
        return;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        size_t length = strlen(allowed[i]);
        if (strncmp(header, allowed[i], length) == 0 && strcmp(header + length, ".h") == 0)
            return;
    }
    found("a system header outside platform/, backends/ and posix/");
}

static void check_floors(const char *line)
{
    static const char *const backends[] = {"epoll", "uring",   "io_uring", "iocp",
                                           "libuv", "WSAPoll", "kqueue"};
    if (starts(file_name, "core/")) {
        for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
            if (has_word(line, backends[i]))
                found("core/ names a backend");
        }
        if (strstr(line, "#include \"backends/") != NULL &&
            strstr(line, "\"backends/backend.h\"") == NULL)
            found("core/ includes more of backends/ than backend.h");
        if (strstr(line, "#include \"platform/os.h\"") != NULL)
            found("core/ includes the system's headers");
    }
    if ((starts(file_name, "backends/") || starts(file_name, "platform/")) &&
        strstr(line, "#include \"core/") != NULL)
        found("an include that points upwards");
    if (starts(file_name, "platform/") && strstr(line, "#include \"backends/") != NULL)
        found("an include that points upwards");
    if (starts(file_name, "posix/") &&
        (strstr(line, "#include \"core/") != NULL || strstr(line, "#include \"backends/") != NULL))
        found("the POSIX layer stands beside the loop, on platform/ alone");
    if (starts(file_name, "include/") && strstr(line, "#include \"") != NULL)
        found("a public header includes a private one");
}

static void check_words(const char *line)
{
    /* In two pieces, for else this file would be found out itself. */
    static const char *const marks[] = {"TO"
                                        "DO",
                                        "FIX"
                                        "ME",
                                        "XX"
                                        "X",
                                        "HA"
                                        "CK"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (has_word(line, marks[i]))
            found("a mark of unfinished work");
    }
    if (starts(line, "#if 0"))
        found("code that is switched off");
    if (strstr(line, "//") != NULL && is_c() && strstr(line, "://") == NULL)
        found("a comment in the other style");
}

static void check_line(const char *line, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char)line[i] & 0xC0) != 0x80; /* Bytes that go on are no columns. */
        if (line[i] == '\t')
            found("a tab");
    }
    if (columns > LINE_MAX_ && !ends(file_name, ".md") && !ends(file_name, ".yml"))
        found("a line of more than 100 columns");
    if (length > 0 && line[length - 1] == ' ')
        found("blanks at the end of the line");
    check_words(line);
    if (is_c()) {
        check_include(line);
        check_floors(line);
    }
}

static void check_file(FILE *file)
{
    char line[4096];
    int function_start = 0;
    bool opens = false;
    for (line_number = 1; fgets(line, sizeof line, file) != NULL; line_number++) {
        size_t length = strcspn(line, "\r\n");
        if (line[length] == '\r')
            found("a carriage return");
        line[length] = '\0';
        if (line_number == 1)
            opens = starts(line, "/*");
        check_line(line, length);
        if (strcmp(line, "{") == 0)
            function_start = line_number;
        if (line[0] == '}' && function_start != 0) {
            if (line_number - function_start - 1 > FUNCTION_MAX && line[1] == '\0')
                found("a function of more than 70 lines ends here");
            function_start = 0;
        }
    }
    if (is_c() && !opens) {
        line_number = 1;
        found("the file does not open with what it is");
    }
    if (is_c() && line_number - 1 > FILE_MAX)
        found("a file of more than 600 lines");
}

int main(int argc, char **argv)
{
    char path[1024];
    if (argc < 3) {
        fprintf(stderr, "usage: tidy ROOT FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        file_name = argv[i];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], file_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
            printf("%s: cannot be read\n", file_name);
            findings++;
            continue;
        }
        check_file(file);
        (void)fclose(file);
    }
    printf("tidy: %d files, %d findings\n", argc - 2, findings);
    return findings == 0 ? 0 : 1;
}
