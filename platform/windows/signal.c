/* platform/windows/signal.c - console control events, and the table of those who want to know.
 *
 * The system calls the handler on a thread of its own. For the events that announce the end
 * (the window closes, the user logs off, the system shuts down) it ends the process as soon as the
 * handler returns; so the handler stays, and the program has the system's grace time, 5 to 20 s, to
 * end by itself.
 */
#include "platform/os.h"

#define LISTENERS_MAX 64

typedef struct signal_slot {
    uint32_t wanted; /* Bit N for signal number N. */
    plx__signal_listener *listener;
} signal_slot;

/* The handler's thread and the loops' threads meet here. */
static SRWLOCK table_lock = SRWLOCK_INIT;
static signal_slot slots[LISTENERS_MAX];

static int number_of(DWORD event)
{
    switch (event) {
    case CTRL_C_EVENT:
        return PLX__SIGNAL_INTERRUPT;
    case CTRL_BREAK_EVENT:
        return PLX__SIGNAL_QUIT;
    case CTRL_CLOSE_EVENT:
    case CTRL_LOGOFF_EVENT:
        return PLX__SIGNAL_HANGUP;
    case CTRL_SHUTDOWN_EVENT:
        return PLX__SIGNAL_TERMINATE;
    default:
        return 0;
    }
}

static bool number_exists(int number)
{
    return number == PLX__SIGNAL_INTERRUPT || number == PLX__SIGNAL_QUIT ||
           number == PLX__SIGNAL_HANGUP || number == PLX__SIGNAL_TERMINATE;
}

static BOOL WINAPI on_event(DWORD event)
{
    int number = number_of(event);
    bool is_told = false;
    AcquireSRWLockExclusive(&table_lock);
    for (int i = 0; i < LISTENERS_MAX; i++) {
        if ((slots[i].wanted & 1u << number) == 0)
            continue;
        plx__signal_listener *listener = slots[i].listener;
        plx__atomic_or(&listener->pending, 1u << number);
        listener->wake(listener->data);
        is_told = true;
    }
    ReleaseSRWLockExclusive(&table_lock);
    if (is_told && event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE);
    return is_told;
}

void plx__signal_listener_init(plx__signal_listener *listener, void (*wake)(void *), void *data)
{
    plx__atomic_store(&listener->pending, 0);
    listener->wake = wake;
    listener->data = data;
    listener->slot = -1;
}

static int slot_find(const plx__signal_listener *listener)
{
    if (listener->slot >= 0)
        return listener->slot;
    for (int i = 0; i < LISTENERS_MAX; i++) {
        if (slots[i].wanted == 0)
            return i;
    }
    return -1;
}

/* Once, and for good: with no listener the handler passes every event on, and removing it could
 * meet it running, each waiting for the other's lock. */
static int handler_install(void)
{
    static plx__atomic_u32 is_installed;
    if (plx__atomic_exchange(&is_installed, 1) != 0)
        return 0;
    if (SetConsoleCtrlHandler(on_event, TRUE))
        return 0;
    plx__atomic_store(&is_installed, 0);
    return plx__fail((int)GetLastError());
}

int plx__signal_add(plx__signal_listener *listener, int number)
{
    if (!number_exists(number))
        return PLX_ENOSYS;
    int status = handler_install();
    if (status != 0)
        return status;
    AcquireSRWLockExclusive(&table_lock);
    int slot = slot_find(listener);
    if (slot >= 0) {
        slots[slot].listener = listener;
        slots[slot].wanted |= 1u << number;
        listener->slot = slot;
    }
    ReleaseSRWLockExclusive(&table_lock);
    return slot >= 0 ? 0 : PLX_ELIMIT;
}

void plx__signal_remove(plx__signal_listener *listener, int number)
{
    AcquireSRWLockExclusive(&table_lock);
    signal_slot *slot = &slots[listener->slot];
    slot->wanted &= ~(1u << number);
    if (slot->wanted == 0)
        listener->slot = -1;
    ReleaseSRWLockExclusive(&table_lock);
}
