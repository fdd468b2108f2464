/* tests/unit_unix.c - what the platform for Unix promises beyond the contract that all systems
 * share: descriptor 0, what a signal handler leaves alone, sockets without a name, the bits of
 * select(). Not compiled elsewhere.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/child.h"
#include "platform/os.h"
#include "platform/test_system.h"
#include "platform/unix/fork.h"
#include "tests/harness.h"

extern const test_case unit_unix_cases[];

/* --- descriptors -------------------------------------------------------------------------------
 */

/* A process that has closed its standard input gets that number for what it opens next. */
static void descriptor_zero_is_as_good_as_any(world *w)
{
    plx__wake wake;
    plx__spare spare;
    plx_socket socket;
    plx_socket device;
    plx_socket twin;
    (void)w;
    (void)close(0);
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV4));
    ck_assert_int_eq(socket, 0);
    plx__socket_close(socket);
    plx__spare_open(&spare);
    ck_assert_int_eq(spare.descriptor, 0);
    plx__spare_close(&spare);
    ck_ok(plx__wake_open(&wake));
    ck_assert_int_eq(wake.reader, 0);
    if (plx__test_device(&device) == 0) {
        plx__wake_close(&wake);
        ck_assert_int_eq(plx__socket_check(device), PLX_ENOTSOCK); /* By a set of number 0. */
        ck_ok(plx__test_duplicate(device, &twin));
        ck_assert_int_eq(twin, 0);
        plx__socket_dispose(twin);
        plx__socket_dispose(device);
        ck_ok(plx__wake_open(&wake));
    }
    plx__wake_close(&wake);
}

/* The same of a connection that is accepted, and of a listener's directory while it is locked. */
static void descriptor_zero_is_accepted(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__wake place;
    plx_socket socket;
    (void)w;
    (void)close(0);
    ck_ok(plx__wake_open(&place));
    plx_socket listener = socket_listening(address);
    peer client = peer_start(address);
    plx__poll_entry entry = {.fd = listener, .events = PLX__POLL_READ};
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    plx__wake_close(&place);
    ck_ok(plx__socket_accept(listener, &socket));
    ck_assert_int_eq(socket, 0);
    plx__socket_close(socket);
    plx__socket_close(listener);
    peer_close(&client);
}

/* A socket that comes from elsewhere waits for nothing from then on, and is not inherited. */
static void adopted_sockets_do_not_wait(world *w)
{
    int ends[2];
    char byte;
    (void)w;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int before = plx__test_inherited();
    ck_ok(plx__socket_adopt(ends[0]));
    ck_assert_int_eq((int)plx__socket_receive(ends[0], &byte, 1), PLX_EAGAIN);
    if (before >= 0)
        ck_assert_int_eq(plx__test_inherited(), before - 1);
    plx__socket_close(ends[0]);
    plx__socket_dispose(ends[1]);
}

/* What is plainly a file is no socket, and it takes no descriptor to find that out. */
static void files_are_no_sockets(world *w)
{
    const char *const names[] = {".", "pollux-file"};
    (void)w;
    FILE *file = fopen(names[1], "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    for (int i = 0; i < 2; i++) {
        file = fopen(names[i], "r");
        ck_assert_ptr_nonnull(file);
        plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
        ck_assert_int_eq(plx__socket_check(fileno(file)), PLX_ENOTSOCK);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 0);
        ck_assert_int_eq(fclose(file), 0);
    }
    ck_assert_int_eq(remove(names[1]), 0);
}

/* --- names -------------------------------------------------------------------------------------
 */

static void check_unnamed(plx__address *address)
{
    char text[PLX_ADDRESS_TEXT_MAX];
    ck_assert_uint_eq(address->family, PLX__FAMILY_UNIX);
    ck_assert_ptr_null(plx__address_path(address));
    ck_ok(plx__address_print(address, text, sizeof text));
    ck_assert_str_eq(text, "unix:");
}

/* A socket of the Unix domain that is bound to nothing has a name without a path. */
static void sockets_without_a_name_have_no_path(world *w)
{
    plx__address address;
    int ends[2];
    (void)w;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    memset(&address, 'x', sizeof address);
    ck_ok(plx__socket_name(ends[0], &address));
    check_unnamed(&address);
    memset(&address, 'x', sizeof address);
    ck_ok(plx__socket_peer(ends[0], &address));
    check_unnamed(&address);
    for (int i = 0; i < 2; i++)
        plx__socket_dispose(ends[i]);
}

/* --- signals -----------------------------------------------------------------------------------
 */

static void spoil(void *data)
{
    errno = E2BIG;
    ++*(size_t *)data;
}

/* The code that a signal interrupts finds errno as it was; system calls go on, and no other signal
 * comes in between. */
static void handler_leaves_things_as_they_are(world *w)
{
    plx__signal_listener listener;
    struct sigaction action;
    size_t wakes = 0;
    (void)w;
    plx__signal_listener_init(&listener, spoil, &wakes);
    ck_ok(plx__signal_add(&listener, PLX__SIGNAL_USER1));
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
    ck_assert_int_ne(action.sa_flags & SA_RESTART, 0);
    ck_assert_int_eq(sigismember(&action.sa_mask, SIGTERM), 1);
    errno = EDOM;
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_eq(wakes, 1);
    ck_assert_uint_eq(plx__atomic_load(&listener.pending), 1u << PLX__SIGNAL_USER1);
    plx__signal_remove(&listener, PLX__SIGNAL_USER1);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
    ck_assert(action.sa_handler == SIG_DFL);
}

/* The system refuses the handler, as it does for 0, which is no signal: who asked is told so each
 * time, and is not among those who listen. */
static void handler_that_is_refused_is_told(world *w)
{
    plx__signal_listener listener;
    size_t wakes = 0;
    (void)w;
    plx__signal_listener_init(&listener, spoil, &wakes);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(plx__signal_add(&listener, 0), PLX_EINVAL);
        ck_assert_int_eq(listener.slot, -1);
    }
    ck_ok(plx__signal_add(&listener, PLX__SIGNAL_USER1));
    plx__signal_remove(&listener, PLX__SIGNAL_USER1);
    ck_assert_int_eq(listener.slot, -1);
}

enum { LISTENERS = 64 };

/* As many listeners as the process has room for are told, each of its own signals; one more is
 * refused until another has left. One that listens to two signals takes one place. */
static void each_listener_is_told(world *w)
{
    static plx__signal_listener listeners[LISTENERS + 1];
    static size_t wakes[LISTENERS + 1];
    (void)w;
    for (int i = 0; i <= LISTENERS; i++)
        plx__signal_listener_init(&listeners[i], spoil, &wakes[i]);
    ck_ok(plx__signal_add(&listeners[0], PLX__SIGNAL_USER2));
    for (int i = 0; i < LISTENERS; i++)
        ck_ok(plx__signal_add(&listeners[i], PLX__SIGNAL_USER1));
    ck_assert_int_eq(plx__signal_add(&listeners[LISTENERS], PLX__SIGNAL_USER1), PLX_ELIMIT);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(raise(SIGUSR2), 0);
    for (int i = 0; i <= LISTENERS; i++)
        ck_assert_uint_eq(wakes[i], i == 0 ? 2 : i < LISTENERS ? 1 : 0);
    plx__signal_remove(&listeners[0], PLX__SIGNAL_USER2);
    ck_assert_int_eq(plx__signal_add(&listeners[LISTENERS], PLX__SIGNAL_USER1), PLX_ELIMIT);
    plx__signal_remove(&listeners[0], PLX__SIGNAL_USER1);
    ck_ok(plx__signal_add(&listeners[LISTENERS], PLX__SIGNAL_USER1));
    ck_assert_int_eq(raise(SIGUSR1), 0);
    for (int i = 0; i <= LISTENERS; i++)
        ck_assert_uint_eq(wakes[i], i == 0 || i < LISTENERS ? 2 : 1);
    for (int i = 1; i <= LISTENERS; i++)
        plx__signal_remove(&listeners[i], PLX__SIGNAL_USER1);
    for (int i = 0; i <= LISTENERS; i++)
        ck_assert_int_eq(listeners[i].slot, -1);
}

typedef struct subscriber {
    plx__signal_listener listener;
    plx__atomic_u32 is_there, is_through;
} subscriber;

static void subscribe(void *data)
{
    subscriber *s = data;
    plx__atomic_store(&s->is_there, 1);
    ck_ok(plx__signal_add(&s->listener, PLX__SIGNAL_USER1));
    plx__atomic_store(&s->is_through, 1);
}

static void unsubscribe(void *data)
{
    subscriber *s = data;
    plx__atomic_store(&s->is_there, 1);
    plx__signal_remove(&s->listener, PLX__SIGNAL_USER1);
    plx__atomic_store(&s->is_through, 1);
}

/* While a process forks nobody changes the table of those who listen: the child's copy would be
 * half of the one and half of the other. */
static void table_rests_while_the_process_forks(world *w)
{
    subscriber s = {.listener = {.slot = 0}};
    size_t wakes = 0;
    (void)w;
    plx__signal_listener_init(&s.listener, spoil, &wakes);
    for (int i = 0; i < 2; i++) {
        plx__thread thread;
        plx__atomic_store(&s.is_there, 0);
        plx__atomic_store(&s.is_through, 0);
        plx__signals_fork_begin();
        ck_ok(plx__thread_start(&thread, i == 0 ? subscribe : unsubscribe, &s));
        while (plx__atomic_load(&s.is_there) == 0)
            plx__thread_yield();
        (void)plx__poll(NULL, 0, 20 * PLX_MILLISECOND); /* It has its chance. */
        ck_assert_uint_eq(plx__atomic_load(&s.is_through), 0);
        plx__signals_fork_end(false);
        plx__thread_join(&thread);
        ck_assert_uint_eq(plx__atomic_load(&s.is_through), 1);
    }
    ck_assert_int_eq(s.listener.slot, -1);
}

static void mask_read(void *data)
{
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, data), 0);
}

/* Signals are for the threads of the program. */
static void threads_of_the_library_take_no_signals(world *w)
{
    plx__thread thread;
    sigset_t mask;
    sigset_t own;
    (void)w;
    ck_ok(plx__thread_start(&thread, mask_read, &mask));
    plx__thread_join(&thread);
    mask_read(&own);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 1);
    ck_assert_int_eq(sigismember(&own, SIGUSR1), 0);
}

/* --- wakes and select() ------------------------------------------------------------------------
 */

/* A wake that has no room for one more is sent all the same, and errno is as it was. */
static void wake_that_is_full_is_sent(world *w)
{
    plx__wake wake;
    bool is_renewed = true;
    (void)w;
    ck_ok(plx__wake_open(&wake));
#ifdef __linux__
    const uint64_t most = UINT64_MAX - 1; /* eventfd(2) */
    ck_assert_int_eq(write(wake.writer, &most, sizeof most), (int)sizeof most);
#endif
    errno = EDOM;
    plx__wake_send(&wake);
    ck_assert_int_eq(errno, EDOM);
    ck_ok(plx__wake_drain(&wake, &is_renewed));
    ck_assert(!is_renewed);
    plx__poll_entry entry = {.fd = wake.reader, .events = PLX__POLL_READ};
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 0);
    plx__wake_close(&wake);
}

/* The last descriptor that the working memory has a bit for, and the one behind it. */
static void select_reaches_its_last_bit(world *w)
{
    enum { MANY = 4000 };
    static plx__wake wakes[MANY];
    void *scratch = NULL;
    int count = 0;
    (void)w;
    ck_ok(plx__select_reserve(&scratch, 3, 1));
    for (int wanted = -1; count < MANY; count++) {
        plx__wake *wake = &wakes[count];
        ck_ok(plx__wake_open(wake));
        if (wanted < 0) /* Each of its two sets has so many words. */
            wanted = (int)(*(size_t *)scratch * 8 * sizeof(unsigned long)) - 1;
        if (wake->reader < wanted)
            continue;
        plx__wake_send(wake);
        ck_ok(plx__select_reserve(&scratch, wake->reader, 1));
        plx__poll_entry entry = {.fd = wake->reader, .events = PLX__POLL_READ | PLX__POLL_WRITE};
        ck_assert_int_eq(plx__select(&entry, 1, 0, scratch), 1);
        ck_assert_int_eq(entry.revents, PLX__POLL_READ | PLX__POLL_WRITE);
        if (wake->reader > wanted)
            break;
    }
    ck_assert_int_lt(count, MANY);
    while (count >= 0)
        plx__wake_close(&wakes[count--]);
    plx__free(scratch);
}

static int buffer_bytes(plx_socket socket, int name)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;
    ck_assert_int_eq(getsockopt(socket, SOL_SOCKET, name, &bytes, &size), 0);
    return bytes;
}

/* What is set for one direction leaves the other as it was. */
static void buffers_are_set_one_by_one(world *w)
{
    enum { FEW = 4096 };
    plx_socket socket;
    (void)w;
    ck_ok(plx__socket_open(&socket, PLX__FAMILY_IPV4));
    const int send = buffer_bytes(socket, SO_SNDBUF);
    const int receive = buffer_bytes(socket, SO_RCVBUF);
    ck_ok(plx__socket_set(socket, PLX__SOCKET_SEND_BYTES, FEW));
    ck_assert_int_ne(buffer_bytes(socket, SO_SNDBUF), send);
    ck_assert_int_eq(buffer_bytes(socket, SO_RCVBUF), receive);
    const int few = buffer_bytes(socket, SO_SNDBUF);
    ck_ok(plx__socket_set(socket, PLX__SOCKET_RECEIVE_BYTES, FEW));
    ck_assert_int_ne(buffer_bytes(socket, SO_RCVBUF), receive);
    ck_assert_int_eq(buffer_bytes(socket, SO_SNDBUF), few);
    plx__socket_close(socket);
}

/* An accept that fails for what is wrong with one connection keeps the system's code for logs. */
static void accept_that_fails_keeps_the_code_of_the_system(world *w)
{
    static const int of_one[] = {ENETDOWN, ENOPROTOOPT, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
    (void)w;
    for (size_t i = 0; i < sizeof of_one / sizeof of_one[0]; i++) {
        (void)plx__fail(EINVAL);
        ck_assert_int_eq(plx__accept_failed(of_one[i]), PLX_ECONNABORTED);
        ck_assert_int_eq(plx_os_error(), of_one[i]);
    }
    ck_assert_int_eq(plx__accept_failed(EMFILE), PLX_EMFILE);
    ck_assert_int_eq(plx_os_error(), EMFILE);
}

/* plx__child_kill(0) does not kill the process group. The child leaves this process's group first,
 * in case it does. */
static void nobody_is_killed_by_mistake(world *w)
{
    int64_t process;
    int code;
    (void)w;
    ck_ok(plx__child_fork(&process));
    if (process == 0) {
        if (setpgid(0, 0) != 0)
            plx__child_exit(1);
        plx__child_kill(0);
        plx__child_exit(7);
    }
    ck_assert(plx__child_reap(process, true, &code));
    ck_assert_int_eq(code, 7);
}

/* The child's part in each way to end. */
static _Noreturn void child_end(int way)
{
    if (way == 0)
        plx__child_exit(7);
    if (way == 1)
        abort();
    for (;;)
        (void)pause();
}

/* It exits, dies of a signal of its own, or is killed. Once it has been asked for, nobody knows. */
static void end_of_a_child_is_told(world *w)
{
    static const int codes[] = {7, PLX__CHILD_DIED, PLX__CHILD_KILLED};
    int64_t process;
    int code;
    (void)w;
    for (int way = 0; way < 3; way++) {
        ck_ok(plx__child_fork(&process));
        if (process == 0)
            child_end(way);
        if (way == 2)
            plx__child_kill(process);
        ck_assert(plx__child_reap(process, true, &code));
        ck_assert_int_eq(code, codes[way]);
        ck_assert(plx__child_reap(process, false, &code));
        ck_assert_int_eq(code, PLX__CHILD_KILLED);
    }
}

const test_case unit_unix_cases[] = {
    CASE_ALONE(descriptor_zero_is_as_good_as_any),
    CASE_ALONE(descriptor_zero_is_accepted),
    CASE(adopted_sockets_do_not_wait),
    CASE(files_are_no_sockets),
    CASE(sockets_without_a_name_have_no_path),
    CASE(handler_leaves_things_as_they_are),
    CASE(handler_that_is_refused_is_told),
    CASE(each_listener_is_told),
    CASE(table_rests_while_the_process_forks),
    CASE(threads_of_the_library_take_no_signals),
    CASE(wake_that_is_full_is_sent),
    CASE(select_reaches_its_last_bit),
    CASE(buffers_are_set_one_by_one),
    CASE(accept_that_fails_keeps_the_code_of_the_system),
    CASE(nobody_is_killed_by_mistake),
    CASE(end_of_a_child_is_told),
    CASES_END,
};
