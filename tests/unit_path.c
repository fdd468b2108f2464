/* tests/unit_path.c - what may be in the way of a socket file; and names in UTF-8.
 *
 * The behaviours show the rest where the system has Unix-domain sockets. What is here needs none,
 * and shows the file functions under Wine too.
 */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case unit_path_cases[];

#define GREEK      "\xce\xb4\xce\xaf\xce\xb4\xcf\x85\xce\xbc\xce\xbf\xce\xb9"
#define GREEK_WIDE L"\x3b4\x3af\x3b4\x3c5\x3bc\x3bf\x3b9"

/* What listening at this path returns. The socket is none that could be bound there. */
static int listen_at_path(const char *name, plx__socket_path **path_out)
{
    plx__address address;
    plx_socket socket;
    char text[80];
    (void)snprintf(text, sizeof text, "unix:%s", name);
    ck_ok(plx__address_parse(&address, text));
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV4));
    int status = plx__socket_path_listen(socket, &address, 16, 0, path_out);
    plx__socket_close(socket);
    return status;
}

static void check_in_the_way(const char *name)
{
    plx__socket_path *path;
    ck_assert_int_eq(listen_at_path(name, &path), PLX_EADDRINUSE);
    ck_assert_ptr_null(path);
}

static void files_and_directories_are_in_the_way(world *w)
{
    (void)w;
    char name[64];
    (void)snprintf(name, sizeof name, "pollux-%llx", (unsigned long long)plx__clock_now());
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    check_in_the_way(name);
    ck_assert_int_eq(remove(name), 0);
    ck_ok(plx__test_directory(name));
    check_in_the_way(name);
    ck_ok(plx__test_directory_remove(name));
}

static FILE *greek_open(const char *mode)
{
#ifdef _WIN32
    wchar_t wide[8] = {0};
    for (size_t i = 0; mode[i] != '\0'; i++)
        wide[i] = (wchar_t)mode[i];
    return _wfopen(L"pollux-" GREEK_WIDE, wide);
#else
    return fopen("pollux-" GREEK, mode);
#endif
}

/* In the code page the name would be another one, under which nothing is found. */
static void file_in_another_script_is_in_the_way(world *w)
{
    (void)w;
    char found[16] = "";
    FILE *file = greek_open("w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("precious", file), 0);
    ck_assert_int_eq(fclose(file), 0);
    check_in_the_way("pollux-" GREEK);
    file = greek_open("r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(found, sizeof found, file));
    ck_assert_str_eq(found, "precious");
    ck_assert_int_eq(fclose(file), 0);
#ifdef _WIN32
    ck_assert_int_eq(_wremove(L"pollux-" GREEK_WIDE), 0);
#else
    ck_assert_int_eq(remove("pollux-" GREEK), 0);
#endif
}

/* Where nothing is in the way, binding tells what is wrong; nothing is left behind. */
static void binding_tells_what_is_wrong(world *w)
{
    plx__socket_path *path;
    (void)w;
    int status = listen_at_path("no-such-directory/x.sock", &path);
    ck_assert_msg(status != 0 && status != PLX_EADDRINUSE, "%s", plx_error_name(status));
    ck_assert_ptr_null(path);
}

const test_case unit_path_cases[] = {
    CASE(files_and_directories_are_in_the_way),
    CASE(file_in_another_script_is_in_the_way),
    CASE(binding_tells_what_is_wrong),
    CASES_END,
};
