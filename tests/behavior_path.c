/* tests/behavior_path.c - the files of Unix-domain listeners: whose they are, and who removes them.
 *
 * Where the system has no such sockets (Wine 8), plx_listen() says so and the cases end there.
 */
#include <stdio.h>
#include <string.h>

#include "platform/hook.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_path_cases[];

/* A name that nobody else has, of a file in the present directory, and the address that names it.
 */
typedef struct site {
    char file[64];
    char address[80];
} site;

static site site_make(const char *suffix)
{
    static unsigned made;
    site s;
    (void)snprintf(s.file, sizeof s.file, "pollux-%llx-%u%s", (unsigned long long)plx__clock_now(),
                   made++, suffix);
    (void)snprintf(s.address, sizeof s.address, "unix:%s", s.file);
    return s;
}

static bool has_unix_sockets(void)
{
    plx_socket tried;
    int status = net_open(&tried, PLX__FAMILY_UNIX);
    if (status == PLX_EAFNOSUPPORT)
        return false;
    ck_ok(status);
    net_close(tried);
    return true;
}

static void file_write(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void file_check(const char *name, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(found, sizeof found, file));
    ck_assert_str_eq(found, text);
    ck_assert_int_eq(fclose(file), 0);
}

/* Whether a server answers at the address, which `w->loop` runs. */
static void check_served(world *w, const char *address)
{
    char answer[2];
    peer client = peer_open(w, address);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    peer_close(&client);
}

static plx_listener server_open(plx_loop *loop, const char *address, probe *p)
{
    plx_listener listener;
    const plx_conn_options accepted = probe_options(p);
    const plx_listen_options options = {.conn = &accepted};
    p->then_data = echo_back;
    ck_ok(plx_listen(loop, &listener, address, &options));
    return listener;
}

/* The file was there when this is called, and is not after it. */
static void check_gone(const char *file)
{
    ck_assert_msg(remove(file) != 0, "\"%s\" was still there", file);
}

static void check_there_and_remove(const char *file)
{
    ck_assert_msg(remove(file) == 0, "\"%s\" was not there any more", file);
}

/* A deployment removes the old server's file, so that the new one can have the path. */
static void successor_keeps_its_socket_file(world *w)
{
    if (!has_unix_sockets())
        return;
    probe old = {0}, new = {0};
    site s = site_make(".sock");
    plx_loop *other = world_loop_open(w);
    plx_listener first = server_open(other, s.address, &old);
    check_there_and_remove(s.file);
    plx_listener second = server_open(w->loop, s.address, &new);
    ck_ok(plx_listener_close(other, first));
    ck_ok(plx_loop_close(other));
    check_served(w, s.address);
    turn_until(w, &new.closed, 1);
    ck_ok(plx_listener_close(w->loop, second));
    check_gone(s.file);
}

/* Nor is anything else removed that is there by then. */
static void other_files_are_not_removed(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock");
    plx_listener listener = server_open(w->loop, s.address, &p);
    check_there_and_remove(s.file);
    file_write(s.file, "precious");
    ck_ok(plx_listener_close(w->loop, listener));
    file_check(s.file, "precious");
    check_there_and_remove(s.file);
    listener = server_open(w->loop, s.address, &p);
    check_there_and_remove(s.file);
    ck_ok(plx__test_directory(s.file));
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx__test_directory_remove(s.file));
    listener = server_open(w->loop, s.address, &p);
    check_there_and_remove(s.file);
    ck_ok(plx_listener_close(w->loop, listener)); /* Nothing is there. */
}

/* A renamed file is not looked for. */
static void renamed_socket_file_stays(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock");
    site renamed = site_make(".sock");
    plx_listener listener = server_open(w->loop, s.address, &p);
    ck_assert_int_eq(rename(s.file, renamed.file), 0);
    check_served(w, renamed.address);
    turn_until(w, &p.closed, 1);
    ck_ok(plx_listener_close(w->loop, listener));
    check_there_and_remove(renamed.file);
}

/* A relative path means the directory that the process was in when it listened. */
static void socket_file_is_found_from_another_directory(world *w)
{
    if (!has_unix_sockets())
        return;
    probe here = {0}, there = {0};
    site s = site_make(".sock");
    site directory = site_make(".d");
    ck_ok(plx__test_directory(directory.file));
    plx_listener first = server_open(w->loop, s.address, &here);
    ck_ok(plx__test_directory_enter(directory.file));
    plx_listener second = server_open(w->loop, s.address, &there);
    ck_ok(plx_listener_close(w->loop, first));
    check_served(w, s.address); /* The one of the same name, in this directory. */
    turn_until(w, &there.closed, 1);
    ck_ok(plx__test_directory_enter(".."));
    check_gone(s.file);
    ck_ok(plx_listener_close(w->loop, second));
    ck_ok(plx__test_directory_remove(directory.file)); /* It is empty. */
}

/* Directories on the way may be symbolic links, and change while the server runs. */
static void socket_file_behind_a_link(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock");
    site one = site_make(".d"), two = site_make(".d"), link = site_make(".l");
    char address[160], file[160];
    ck_ok(plx__test_directory(one.file));
    ck_ok(plx__test_directory(two.file));
    if (plx__test_symlink(one.file, link.file) == PLX_ENOSYS) {
        ck_ok(plx__test_directory_remove(one.file));
        ck_ok(plx__test_directory_remove(two.file));
        return;
    }
    (void)snprintf(address, sizeof address, "unix:%s/x.sock", link.file);
    plx_listener listener = server_open(w->loop, address, &p);
    ck_ok(plx_listener_close(w->loop, listener));
    listener = server_open(w->loop, address, &p);
    check_there_and_remove(link.file);
    ck_ok(plx__test_symlink(two.file, link.file));
    (void)snprintf(file, sizeof file, "%s/x.sock", two.file);
    file_write(file, "precious");
    ck_ok(plx_listener_close(w->loop, listener));
    file_check(file, "precious");
    check_there_and_remove(file);
    (void)snprintf(file, sizeof file, "%s/x.sock", one.file);
    check_there_and_remove(file); /* Not found, so not removed. */
    check_there_and_remove(link.file);
    ck_ok(plx__test_directory_remove(one.file));
    ck_ok(plx__test_directory_remove(two.file));
    (void)s;
}

static void check_in_use(world *w, const char *address)
{
    plx_listener listener = {0};
    ck_assert_int_eq(plx_listen(w->loop, &listener, address, NULL), PLX_EADDRINUSE);
    ck_assert_uint_eq(listener.bits, 0);
}

static void only_a_dead_socket_is_replaced(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock"), live = site_make(".sock");
    file_write(s.file, "precious");
    check_in_use(w, s.address);
    file_check(s.file, "precious");
    check_there_and_remove(s.file);
    ck_ok(plx__test_directory(s.file));
    check_in_use(w, s.address);
    ck_ok(plx__test_directory_remove(s.file));
    plx_listener listener = server_open(w->loop, live.address, &p);
    check_in_use(w, live.address);
    if (plx__test_symlink(live.file, s.file) == 0) {
        check_in_use(w, s.address);
        check_served(w, s.address);
        check_there_and_remove(s.file);
        ck_ok(plx__test_symlink("nothing-of-that-name", s.file));
        check_in_use(w, s.address);
        check_there_and_remove(s.file);
    }
    check_served(w, live.address);
    turn_some(w);
    ck_ok(plx_listener_close(w->loop, listener));
    check_gone(live.file);
}

/* What a dead server left, or what one that has not come to listen yet has bound: neither tells. */
static plx_socket socket_bound(const char *address)
{
    plx__address parsed;
    plx_socket bound;
    ck_ok(plx__address_parse(&parsed, address));
    ck_ok(net_open(&bound, parsed.family));
    ck_ok(net_bind(bound, &parsed));
    return bound;
}

/* A server between bind() and listen() refuses connections like a dead one. It has the directory
 * locked, and is left alone. */
static void socket_of_a_starting_server_stays(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock"), new = site_make(".sock");
    site directory = site_make(".d"); /* Of its own: other tests use the lock of this one. */
    ck_ok(plx__test_directory(directory.file));
    ck_ok(plx__test_directory_enter(directory.file));
    plx_socket starting = socket_bound(s.address);
    int status = plx__test_path_lock(true);
    if (status != PLX_ENOSYS) {
        ck_ok(status);
        check_in_use(w, s.address);
        /* Where nothing is in the way nothing needs to be removed, and the lock is not needed. */
        ck_ok(plx_listener_close(w->loop, server_open(w->loop, new.address, &p)));
        check_gone(new.file);
        ck_ok(plx__test_path_lock(false));
    }
    net_close(starting);
    ck_ok(plx_listener_close(w->loop, server_open(w->loop, s.address, &p)));
    check_gone(s.file);
    ck_ok(plx__test_directory_enter(".."));
    ck_ok(plx__test_directory_remove(directory.file));
}

/* The directory that is locked is the socket's, wherever the server starts. */
static void directory_of_the_socket_is_locked(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {0};
    site directory = site_make(".d");
    if (!has_unix_sockets())
        return;
    (void)snprintf(address, sizeof address, "unix:%s/s", directory.file);
    ck_ok(plx__test_directory(directory.file));
    plx_socket starting = socket_bound(address);
    ck_ok(plx__test_directory_enter(directory.file));
    int status = plx__test_path_lock(true);
    ck_ok(plx__test_directory_enter(".."));
    if (status != PLX_ENOSYS) {
        ck_ok(status);
        check_in_use(w, address);
        ck_ok(plx__test_path_lock(false));
    }
    net_close(starting);
    ck_ok(plx_listener_close(w->loop, server_open(w->loop, address, &p)));
    ck_ok(plx__test_directory_remove(directory.file));
}

enum { RACES = 50 };

/* 1: it listens. 0: another one does. */
static int listen_outcome(plx_loop *loop, const char *address, plx_listener *listener_out)
{
    int status = plx_listen(loop, listener_out, address, NULL);
    return status == 0 ? 1 : status == PLX_EADDRINUSE ? 0 : 100;
}

/* The child's part: it starts a server, which lives until the parent has tried to. */
static void rival_run(const char *address, couple *life)
{
    plx_loop *loop;
    plx_listener listener;
    char none;
    net_dispose(life->ours.socket);
    if (plx_loop_open(&loop, NULL) != 0)
        plx__test_report(101);
    int outcome = listen_outcome(loop, address, &listener);
    while (peer_try(&life->theirs, &none, 1) == PLX_EAGAIN) {
        if (plx_loop_run_once(loop, PLX_MILLISECOND) != 0)
            plx__test_report(102);
    }
    plx__test_report(outcome);
}

/* Two servers start at the same moment at a path with a leftover: one of them has it, and its file
 * is there. */
static void one_of_two_starting_servers_has_the_path(world *w)
{
    if (!has_unix_sockets())
        return;
    for (int i = 0; i < RACES; i++) {
        site s = site_make(".sock");
        plx_listener listener;
        couple life = couple_open();
        net_close(socket_bound(s.address));
        int forked = plx__test_fork();
        if (forked == 0)
            rival_run(s.address, &life);
        int ours = listen_outcome(w->loop, s.address, &listener);
        if (forked != PLX_ENOSYS) {
            peer visitor = peer_start(s.address); /* Whoever it is, somebody listens. */
            couple_close(&life);
            ck_assert_int_eq(ours + plx__test_fork_join(), 1);
            peer_close(&visitor);
        } else {
            ck_assert_int_eq(ours, 1);
            couple_close(&life);
        }
        if (ours == 1) {
            ck_ok(plx_listener_close(w->loop, listener));
            check_gone(s.file);
        } else {
            check_there_and_remove(s.file); /* The other one died. */
        }
    }
}

enum { ASKERS = 24 };

typedef struct asker {
    plx__thread thread;
    plx_loop_options options;
    const char *address;
    int status;
} asker;

/* Checks nothing itself: Check is of one thread. */
static void ask(void *data)
{
    asker *a = data;
    plx_loop *loop;
    a->status = plx_loop_open(&loop, &a->options);
    if (a->status != 0)
        return;
    a->status = plx_listen(loop, NULL, a->address, NULL);
    (void)plx_loop_close(loop);
}

/* Who finds a path taken waits for a moment whether its owner is about to die (Linux). Others that
 * start in that directory do not wait for all of these moments. */
static void many_start_in_one_directory(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    asker askers[ASKERS];
    site live = site_make(".sock"), dead = site_make(".sock");
    plx_listener owner = server_open(w->loop, live.address, &p);
    net_close(socket_bound(dead.address));
    for (int i = 0; i < ASKERS; i++) {
        askers[i] =
            (asker){.options = world_options(w, (plx_loop_options){0}), .address = live.address};
        ck_ok(plx__thread_start(&askers[i].thread, ask, &askers[i]));
    }
    ck_ok(plx_listener_close(w->loop, server_open(w->loop, dead.address, &p)));
    for (int i = 0; i < ASKERS; i++) {
        plx__thread_join(&askers[i].thread);
        ck_assert_int_eq(askers[i].status, PLX_EADDRINUSE);
    }
    check_gone(dead.file);
    turn_some(w);
    ck_ok(plx_listener_close(w->loop, owner));
}

/* Names are UTF-8 on every system. */
static void path_in_another_script(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make("-\xce\xb4\xce\xaf\xce\xb4\xcf\x85\xce\xbc\xce\xbf\xce\xb9.sock");
    char name[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener = server_open(w->loop, s.address, &p);
    ck_ok(plx_listener_address(w->loop, listener, name, sizeof name));
    ck_assert_str_eq(name, s.address);
    check_served(w, s.address);
    turn_until(w, &p.closed, 1);
    check_in_use(w, s.address);
    turn_some(w);
    ck_ok(plx_listener_close(w->loop, listener));
    net_close(socket_bound(s.address)); /* The path is free. */
    ck_ok(plx_listener_close(w->loop, server_open(w->loop, s.address, &p)));
    check_gone(s.file);
}

/* Closing the loop removes the files as closing the listeners does. */
static void loop_closes_over_socket_files(world *w)
{
    if (!has_unix_sockets())
        return;
    probe p = {0};
    site s = site_make(".sock"), taken = site_make(".sock");
    plx_loop *other = world_loop_open(w);
    (void)server_open(other, s.address, &p);
    (void)server_open(other, taken.address, &p);
    check_there_and_remove(taken.file);
    file_write(taken.file, "precious");
    ck_ok(plx_loop_close(other));
    check_gone(s.file);
    check_there_and_remove(taken.file);
}

/* Without memory or a descriptor nothing is left behind, whichever is missing. */
static void listening_at_a_path_fails_cleanly(world *w)
{
    if (!has_unix_sockets())
        return;
    const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    for (size_t kind = 0; kind < 2; kind++) {
        for (uint32_t k = 0;; k++) {
            site s = site_make(".sock");
            plx_listener listener;
            plx_loop *loop = world_loop_open(w);
            net_close(socket_bound(s.address));
            plx__fault_arm(kinds[kind], k, 1);
            int status = plx_listen(loop, &listener, s.address, NULL);
            bool is_struck = plx__fault_disarm(kinds[kind]) > 0;
            if (status == 0)
                ck_ok(plx_listener_close(loop, listener));
            else
                ck_assert_int_eq(status, kind == 0 ? PLX_ENOMEM : PLX_EMFILE);
            (void)remove(s.file); /* The leftover, if it failed before that was removed. */
            ck_ok(plx_loop_close(loop));
            if (!is_struck)
                break;
            ck_assert_uint_lt(k, 100);
        }
    }
}

/* What a test sees of a socket file when it is there and nobody can connect to it yet. */
typedef struct look {
    const site *site;
    size_t count;
    int mode;
} look;

static void look_before_it_listens(enum plx__hook_step step, void *data)
{
    look *l = data;
    plx__address address;
    if (step != PLX__HOOK_LISTEN)
        return;
    l->count++;
    l->mode = plx__test_path_mode(l->site->file);
    plx_socket client = PLX_SOCKET_NONE;
    ck_ok(plx__address_parse(&address, l->site->address));
    ck_ok(net_open(&client, address.family));
    ck_assert_int_eq(net_connect(client, &address), PLX_ECONNREFUSED);
    net_close(client);
}

/* The file has its mode, whatever the umask is, before anybody can connect; 0 leaves it as the
 * system makes it, and so it stays when somebody connects. */
static void socket_file_has_its_mode(world *w)
{
    static const uint32_t modes[] = {0600, 0660, 0666, 0777, 0700, 0};
    if (!has_unix_sockets() || plx__test_path_mode(".") == PLX_ENOSYS)
        return;
    site usual = site_make(".sock");
    net_close(socket_bound(usual.address));
    int mode_usual = plx__test_path_mode(usual.file);
    check_there_and_remove(usual.file);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        probe p = {.then_data = echo_back};
        site s = site_make(".sock");
        look l = {.site = &s};
        plx_listener listener;
        const plx_conn_options accepted = probe_options(&p);
        const plx_listen_options options = {.conn = &accepted, .path_mode = modes[i]};
        int wanted = modes[i] != 0 ? (int)modes[i] : mode_usual;
        net_close(socket_bound(s.address)); /* A leftover has no say. */
        plx__hook_set(look_before_it_listens, &l);
        ck_ok(plx_listen(w->loop, &listener, s.address, &options));
        plx__hook_set(NULL, NULL);
        ck_assert_uint_eq(l.count, 1);
        ck_assert_int_eq(l.mode, wanted);
        check_served(w, s.address);
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(plx__test_path_mode(s.file), wanted);
        ck_ok(plx_listener_close(w->loop, listener));
        check_gone(s.file);
    }
}

/* A mode is for what has a file, and on systems where files have one. */
static void mode_is_refused_without_a_file(world *w)
{
    plx_listener listener = {0};
    plx_listen_options options = {.path_mode = 0600};
    site s = site_make(".sock");
    ck_assert_int_eq(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options), PLX_EINVAL);
    ck_assert_int_eq(plx_listen(w->loop, &listener, "tcp://[::1]:0", &options), PLX_EINVAL);
    options.path_mode = 01000;
    ck_assert_int_eq(plx_listen(w->loop, &listener, s.address, &options), PLX_EINVAL);
    options.path_mode = 0600;
    if (has_unix_sockets() && plx__test_path_mode(".") == PLX_ENOSYS)
        ck_assert_int_eq(plx_listen(w->loop, &listener, s.address, &options), PLX_ENOSYS);
    ck_assert_uint_eq(listener.bits, 0);
    check_gone(s.file);
}

const test_case behavior_path_cases[] = {
    CASE(successor_keeps_its_socket_file),
    CASE(other_files_are_not_removed),
    CASE(renamed_socket_file_stays),
    CASE(socket_file_is_found_from_another_directory),
    CASE(socket_file_behind_a_link),
    CASE(only_a_dead_socket_is_replaced),
    CASE(socket_of_a_starting_server_stays),
    CASE(directory_of_the_socket_is_locked),
    CASE(one_of_two_starting_servers_has_the_path),
    CASE(many_start_in_one_directory),
    CASE(path_in_another_script),
    CASE(loop_closes_over_socket_files),
    CASE(listening_at_a_path_fails_cleanly),
    CASE(socket_file_has_its_mode),
    CASE(mode_is_refused_without_a_file),
    CASES_END,
};
