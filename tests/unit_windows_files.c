/* tests/unit_windows_files.c - console events; the files of Unix-domain listeners, and the turns
 * that starting servers take. Over the double. */
#include <stdio.h>
#include <string.h>

#include "platform/os.h"
#include "tests/harness.h"
#include "tests/winsock_double.h"

extern const test_case unit_windows_files_cases[];

/* --- console events --------------------------------------------------------------------------
 */

enum { PLACES = 64 };

static void count(void *data)
{
    ++*(unsigned *)data;
}

typedef struct waken {
    plx__signal_listener listener;
    uint32_t pending; /* By the time of the wake. */
    unsigned wakes;
} waken;

static void look(void *data)
{
    waken *told = data;
    told->pending = plx__atomic_load(&told->listener.pending);
    told->wakes++;
}

static uint32_t taken(plx__signal_listener *listener)
{
    return plx__atomic_exchange(&listener->pending, 0);
}

/* Each event has its number; those that announce the end hold the handler's thread for good. */
static void console_events_have_numbers(world *w)
{
    static const struct {
        DWORD event;
        int number;
        bool is_end;
    } cases[] = {
        {CTRL_C_EVENT, PLX__SIGNAL_INTERRUPT, false},
        {CTRL_BREAK_EVENT, PLX__SIGNAL_QUIT, false},
        {CTRL_CLOSE_EVENT, PLX__SIGNAL_HANGUP, true},
        {CTRL_LOGOFF_EVENT, PLX__SIGNAL_HANGUP, true},
        {CTRL_SHUTDOWN_EVENT, PLX__SIGNAL_TERMINATE, true},
    };
    waken told;
    plx__signal_listener *listener = &told.listener;
    (void)w;
    memset(&told, 0xA5, sizeof told);
    told.wakes = 0;
    plx__signal_listener_init(listener, look, &told);
    ck_assert_uint_eq(taken(listener), 0);
    winsock_double_fail(DOUBLE_HANDLER, 0, 1, ERROR_NOT_ENOUGH_MEMORY);
    ck_assert_int_eq(plx__signal_add(listener, PLX__SIGNAL_INTERRUPT), PLX_ENOMEM);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(listener->slot, -1);
    winsock_double_fail(DOUBLE_SLEEP, 0, UINT32_MAX, ERROR_ALERTED);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t sleeps = winsock_double_calls(DOUBLE_SLEEP);
        unsigned before = told.wakes;
        ck_ok(plx__signal_add(listener, cases[i].number));
        ck_assert(winsock_double_console_event(cases[i].event));
        ck_assert_uint_eq(told.wakes, before + 1);
        ck_assert_uint_eq(told.pending, 1u << cases[i].number);
        ck_assert_uint_eq(taken(listener), 1u << cases[i].number);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, cases[i].is_end);
        if (cases[i].is_end)
            ck_assert_int_eq(winsock_double_timeout(), -1); /* INFINITE */
        plx__signal_remove(listener, cases[i].number);
        ck_assert(!winsock_double_console_event(cases[i].event));
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_SLEEP) - sleeps, cases[i].is_end);
        ck_assert_uint_eq(taken(listener), 0);
    }
    (void)winsock_double_mend();
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_HANDLER), 2); /* Once that worked. */
    ck_assert(!winsock_double_console_event(99));
    ck_assert_int_eq(plx__signal_add(listener, 0), PLX_ENOSYS);
    ck_assert_int_eq(plx__signal_add(listener, 31), PLX_ENOSYS);
    ck_assert_int_eq(listener->slot, -1);
}

/* The table has 64 places. A listener takes one, whatever it wants to be told, and leaves it with
 * the last number. */
static void listeners_have_places(world *w)
{
    static plx__signal_listener listeners[PLACES + 1];
    unsigned wakes = 0;
    (void)w;
    for (int i = 0; i <= PLACES; i++)
        plx__signal_listener_init(&listeners[i], count, &wakes);
    for (int i = 0; i < PLACES; i++) {
        ck_ok(plx__signal_add(&listeners[i], PLX__SIGNAL_INTERRUPT));
        ck_ok(plx__signal_add(&listeners[i], PLX__SIGNAL_QUIT));
    }
    ck_assert_int_eq(plx__signal_add(&listeners[PLACES], PLX__SIGNAL_QUIT), PLX_ELIMIT);
    ck_assert_int_eq(listeners[PLACES].slot, -1);
    ck_assert(winsock_double_console_event(CTRL_BREAK_EVENT));
    ck_assert_uint_eq(wakes, PLACES);
    for (int i = 0; i < PLACES; i++)
        ck_assert_uint_eq(taken(&listeners[i]), 1u << PLX__SIGNAL_QUIT);
    plx__signal_remove(&listeners[40], PLX__SIGNAL_QUIT);
    ck_assert_int_ge(listeners[40].slot, 0);
    ck_assert_int_eq(plx__signal_add(&listeners[PLACES], PLX__SIGNAL_QUIT), PLX_ELIMIT);
    ck_assert(winsock_double_console_event(CTRL_C_EVENT));
    ck_assert_uint_eq(taken(&listeners[40]), 1u << PLX__SIGNAL_INTERRUPT);
    plx__signal_remove(&listeners[40], PLX__SIGNAL_INTERRUPT);
    ck_assert_int_eq(listeners[40].slot, -1);
    ck_ok(plx__signal_add(&listeners[PLACES], PLX__SIGNAL_QUIT));
    wakes = 0;
    ck_assert(winsock_double_console_event(CTRL_C_EVENT));
    ck_assert_uint_eq(wakes, PLACES - 1);
    ck_assert_uint_eq(taken(&listeners[40]), 0);
    ck_assert_uint_eq(taken(&listeners[PLACES]), 0);
}

/* --- socket files ----------------------------------------------------------------------------
 */

typedef struct server {
    plx__address address;
    plx_socket socket;
    plx__socket_path *path;
} server;

static void server_prepare(server *s, const char *name)
{
    char text[160];
    (void)snprintf(text, sizeof text, "unix:%s", name);
    s->path = NULL;
    ck_ok(plx__address_parse(&s->address, text));
    ck_ok(plx__socket_open(&s->socket, PLX__FAMILY_UNIX));
}

static int server_listen(server *s)
{
    s->path = (plx__socket_path *)(void *)s; /* Which a call that fails is not to leave. */
    return plx__socket_path_listen(s->socket, &s->address, 4, 0, &s->path);
}

static bool file_exists(const char *name)
{
    FILE *file = fopen(name, "r");
    if (file != NULL)
        (void)fclose(file);
    return file != NULL;
}

/* Leaves the file of a server that has died. */
static void leftover_make(const char *name)
{
    server dead;
    server_prepare(&dead, name);
    ck_ok(server_listen(&dead));
    plx__socket_close(dead.socket);
    plx__socket_path_forget(dead.path);
    ck_assert(file_exists(name));
}

static char *name_make(char *name, size_t size)
{
    (void)snprintf(name, size, "pollux-%llx.sock", (unsigned long long)plx__clock_now());
    return name;
}

/* Whoever does not get its turn in 20 seconds replaces nobody's file; one whose owner has died
 * with it does, and so does nobody who cannot ask. */
static void turns_are_waited_for(world *w)
{
    static const struct {
        int outcome;
        int status;
    } cases[] = {
        {WAIT_TIMEOUT, PLX_EADDRINUSE},
        {(int)WAIT_FAILED, PLX_EADDRINUSE},
        {WAIT_ABANDONED, 0},
    };
    char name[64];
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s;
        leftover_make(name_make(name, sizeof name));
        server_prepare(&s, name);
        uint32_t binds = winsock_double_calls(DOUBLE_BIND);
        winsock_double_fail(DOUBLE_TURN, 0, 1, cases[i].outcome);
        ck_assert_int_eq(server_listen(&s), cases[i].status);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_BIND) - binds, cases[i].status == 0);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_int_eq(winsock_double_timeout(), 20000);
        ck_assert(file_exists(name));
        if (cases[i].status == 0) {
            plx__socket_path_remove(s.path);
            ck_assert(!file_exists(name));
        } else {
            ck_assert_ptr_null(s.path);
            ck_assert_int_eq(remove(name), 0);
        }
        /* Where nothing is in the way, no turn is needed. */
        winsock_double_fail(DOUBLE_TURN, 0, 1, WAIT_TIMEOUT);
        if (cases[i].status != 0) {
            ck_ok(server_listen(&s));
            plx__socket_path_remove(s.path);
        }
        (void)winsock_double_mend();
        ck_assert(!file_exists(name));
        plx__socket_close(s.socket);
    }
}

/* Without the mutex nobody waits for it, and no leftover is replaced. */
static void turns_need_a_mutex(world *w)
{
    char name[64];
    server s;
    (void)w;
    leftover_make(name_make(name, sizeof name));
    server_prepare(&s, name);
    uint32_t turns = winsock_double_calls(DOUBLE_TURN);
    winsock_double_fail(DOUBLE_MUTEX, 0, 1, ERROR_ACCESS_DENIED);
    ck_assert_int_eq(server_listen(&s), PLX_EADDRINUSE);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_uint_eq(winsock_double_calls(DOUBLE_TURN), turns);
    ck_assert_ptr_null(s.path);
    ck_assert_int_eq(remove(name), 0);
    plx__socket_close(s.socket);
}

static void take_turn(void *data)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, L"Global\\pollux-socket-path");
    *(bool *)data = mutex != NULL && WaitForSingleObject(mutex, 5000) == WAIT_OBJECT_0;
    if (*(bool *)data)
        (void)ReleaseMutex(mutex);
    (void)CloseHandle(mutex);
}

/* The turn ends with the call: another thread can have it. (So may other processes meanwhile.) */
static void turns_end(world *w)
{
    char name[64];
    server s;
    bool is_free = false;
    plx__thread thread;
    (void)w;
    server_prepare(&s, name_make(name, sizeof name));
    ck_ok(server_listen(&s));
    ck_ok(plx__thread_start(&thread, take_turn, &is_free));
    plx__thread_join(&thread);
    ck_assert(is_free);
    plx__socket_path_remove(s.path);
    plx__socket_close(s.socket);
}

/* What fails while a leftover is looked at or replaced is told, and leaves nothing new behind. */
static void listening_at_a_leftover_fails_cleanly(world *w)
{
    static const struct {
        enum winsock_double_call call;
        int error, status;
        bool is_left; /* The leftover. */
        uint32_t binds;
    } cases[] = {
        {DOUBLE_SOCKET, WSAEMFILE, PLX_EMFILE, true, 0},
        {DOUBLE_CONNECT, WSAEACCES, PLX_EADDRINUSE, true, 0},
        {DOUBLE_FILE, ERROR_ACCESS_DENIED, PLX_EADDRINUSE, true, 0},
        {DOUBLE_FILE, ERROR_SHARING_VIOLATION, PLX_EADDRINUSE, true, 0},
        {DOUBLE_FILE, ERROR_PATH_NOT_FOUND, PLX_EADDRINUSE, true, 1}, /* bind() finds it. */
        {DOUBLE_DELETE, ERROR_ACCESS_DENIED, PLX_EACCES, true, 0},
        {DOUBLE_BIND, WSAENOBUFS, PLX_ENOBUFS, false, 1},
        {DOUBLE_LISTEN, WSAENOBUFS, PLX_ENOBUFS, false, 1},
    };
    char name[64];
    (void)w;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s;
        leftover_make(name_make(name, sizeof name));
        server_prepare(&s, name);
        uint32_t binds = winsock_double_calls(DOUBLE_BIND);
        winsock_double_fail(cases[i].call, 0, 1, cases[i].error);
        ck_assert_int_eq(server_listen(&s), cases[i].status);
        ck_assert_uint_eq(winsock_double_mend(), 1);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_BIND) - binds, cases[i].binds);
        ck_assert_ptr_null(s.path);
        ck_assert_int_eq(file_exists(name), cases[i].is_left);
        if (cases[i].is_left)
            ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
}

/* Whose file cannot be looked at, is on another volume by then, or is another's at the same path,
 * stays. */
static void files_that_are_not_known_stay(world *w)
{
    char name[64];
    (void)w;
    for (int i = 0; i < 4; i++) {
        server s;
        server_prepare(&s, name_make(name, sizeof name));
        if (i == 0) /* The second is the look at what was bound. */
            winsock_double_fail(DOUBLE_FILE, 1, 1, ERROR_ACCESS_DENIED);
        ck_ok(server_listen(&s));
        if (i == 0)
            ck_assert_uint_eq(winsock_double_mend(), 1);
        if (i == 1)
            winsock_double_move_volumes(1);
        if (i == 2)
            winsock_double_fail(DOUBLE_FILE, 0, 1, ERROR_ACCESS_DENIED);
        if (i == 3) {
            ck_assert_int_eq(remove(name), 0);
            leftover_make(name);
        }
        uint32_t files = winsock_double_calls(DOUBLE_FILE);
        plx__socket_path_remove(s.path);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_FILE) - files, i != 0);
        winsock_double_move_volumes(0);
        (void)winsock_double_mend();
        ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
}

/* A leftover that somebody else has open is replaced, and one's own removed, whatever for. */
static void open_files_are_removed(world *w)
{
    static const DWORD accesses[] = {GENERIC_READ, GENERIC_WRITE, DELETE};
    char name[64];
    (void)w;
    for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++) {
        server s;
        leftover_make(name_make(name, sizeof name));
        server_prepare(&s, name);
        HANDLE file =
            CreateFileA(name, accesses[i], FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                        NULL, OPEN_EXISTING, 0, NULL);
        ck_assert_ptr_ne(file, INVALID_HANDLE_VALUE);
        uint32_t deletions = winsock_double_calls(DOUBLE_DELETE);
        int status = server_listen(&s);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_DELETE), deletions + 1);
        (void)CloseHandle(file);
        if (status !=
            0) /* The name goes with the last handle, before Windows 10 1809 and in Wine. */
            ck_ok(server_listen(&s));
        plx__socket_path_remove(s.path);
        ck_assert(!file_exists(name));
        plx__socket_close(s.socket);
    }
}

/* What is no socket's file is in the way: another one, another kind of reparse point, and one of
 * which the system does not tell. */
static void other_files_are_in_the_way(world *w)
{
    static const size_t sizes[] = {0, WINSOCK_DOUBLE_FILE_SIZE - 1, WINSOCK_DOUBLE_FILE_SIZE + 1};
    static const unsigned char content[WINSOCK_DOUBLE_FILE_SIZE + 1];
    char name[64];
    server s;
    (void)w;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        server_prepare(&s, name_make(name, sizeof name));
        FILE *file = fopen(name, "wb");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(content, 1, sizes[i], file), sizes[i]);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(server_listen(&s), PLX_EADDRINUSE);
        ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
    leftover_make(name_make(name, sizeof name));
    server_prepare(&s, name);
    winsock_double_fail(DOUBLE_ABOUT, 0, 1, ERROR_INVALID_FUNCTION);
    ck_assert_int_eq(server_listen(&s), PLX_EADDRINUSE);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_ok(server_listen(&s));
    /* Of its own, too, when it listens and when it ends. */
    winsock_double_fail(DOUBLE_ABOUT, 0, 1, ERROR_INVALID_FUNCTION);
    plx__socket_path_remove(s.path);
    ck_assert_uint_eq(winsock_double_mend(), 1);
    ck_assert_int_eq(remove(name), 0);
    plx__socket_close(s.socket);
    for (uint32_t look = 0; look < 2; look++) {
        server_prepare(&s, name_make(name, sizeof name));
        winsock_double_fail(DOUBLE_ABOUT, look, 1, ERROR_INVALID_FUNCTION);
        ck_ok(server_listen(&s));
        ck_assert_uint_eq(winsock_double_mend(), 1);
        plx__socket_path_remove(s.path);
        ck_assert_int_eq(remove(name), 0);
        plx__socket_close(s.socket);
    }
}

/* A path that is no UTF-8, or that does not fit when it is asked for again because the process has
 * changed its directory meanwhile, names no file here; bind() tells what is wrong with it. */
static void paths_that_are_none_are_empty(world *w)
{
    static unsigned char poison[4096];
    char name[64];
    server s;
    (void)w;
    memset(poison, '?', sizeof poison);
    for (int i = 0; i < 2; i++) {
        server_prepare(&s, i == 0 ? "pollux-\xff.sock" : name_make(name, sizeof name));
        for (size_t size = 16; size < sizeof poison; size += 16) { /* What is allocated has it. */
            unsigned char *memory = plx__allocate(size);
            memcpy(memory, poison, size);
            plx__free(memory);
        }
        uint32_t names = winsock_double_calls(DOUBLE_FULL);
        winsock_double_fail(DOUBLE_FULL, 1, 1, ERROR_MORE_DATA);
        int status = server_listen(&s);
        ck_assert_uint_eq(winsock_double_mend(), (uint32_t)i);
        ck_assert_uint_eq(winsock_double_calls(DOUBLE_FULL) - names, 2 * (uint32_t)i);
        ck_assert_uint_eq(winsock_double_path_length(), 0);
        if (status == 0) {
            plx__socket_path_remove(s.path); /* Which does not know it. */
            ck_assert_int_eq(remove(name), 0);
        }
        plx__socket_close(s.socket);
    }
}

/* As long as a path can be, and absolute in the end. */
static void long_paths_are_found(world *w)
{
    char name[108];
    (void)w;
    for (size_t length = 105; length <= 107; length++) {
        server s;
        memset(name, 'x', length);
        name[length] = '\0';
        server_prepare(&s, name);
        ck_ok(server_listen(&s));
        ck_assert(file_exists(name));
        plx__socket_path_remove(s.path);
        ck_assert(!file_exists(name));
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
        ck_assert_int_eq(server_listen(&s), PLX_ENOMEM);
        (void)plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_ptr_null(s.path);
        plx__socket_close(s.socket);
    }
}

/* Files have access lists in the place of a mode. Nothing is made. */
static void mode_of_a_file_is_refused(world *w)
{
    server s;
    (void)w;
    server_prepare(&s, "pollux-mode.sock");
    ck_assert_int_eq(plx__socket_path_listen(s.socket, &s.address, 4, 0600, &s.path), PLX_ENOSYS);
    ck_assert_ptr_null(s.path);
    ck_assert(!file_exists("pollux-mode.sock"));
    plx__socket_close(s.socket);
}

const test_case unit_windows_files_cases[] = {
    CASE(console_events_have_numbers),
    CASE(listeners_have_places),
    CASE(turns_are_waited_for),
    CASE(turns_end),
    CASE(turns_need_a_mutex),
    CASE(listening_at_a_leftover_fails_cleanly),
    CASE(files_that_are_not_known_stay),
    CASE(open_files_are_removed),
    CASE(other_files_are_in_the_way),
    CASE(paths_that_are_none_are_empty),
    CASE(long_paths_are_found),
    CASE(mode_of_a_file_is_refused),
    CASES_END,
};
