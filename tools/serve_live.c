/* tools/serve_live.c - see tools/serve_live.h.
 *
 * A line has a cell for each loop, under a header that is printed once. Columns have fixed widths,
 * as wide as 80 columns allow. The thread that prints is no loop's, and leaves lines out while a
 * terminal has been stopped, as by Ctrl-S: that stops neither a loop nor the end of the server.
 */
#include "tools/serve_live.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "platform/process.h"
#include "tools/command.h"

#define COLUMNS     79 /* Some terminals wrap when the last one is written. */
#define WIDTH_MAX   6
#define CELLS_MAX   4u
#define LINE_SIZE   128u
#define INTERVAL_NS PLX_SECOND

enum { OPEN, CONNECTIONS, REQUESTS, RECEIVED, SENT, FIGURES };

typedef struct cell {
    bool is_late;
    double figures[FIGURES];
} cell;

/* A line is on the terminal, and its end is not. */
static plx__atomic_u32 is_up;

/* --- figures --------------------------------------------------------------------------------- */

static bool has_figure(const serve_counters *c, int figure)
{
    if (figure == REQUESTS)
        return c->has_requests;
    return (figure != RECEIVED && figure != SENT) || !c->is_handled;
}

static void cell_read(serve_counters *c, uint32_t loop, cell *cell_out)
{
    serve_sample now;
    serve_sample before;
    serve_counters_read(c, loop, &now, &before);
    const uint64_t grown[FIGURES] = {
        [CONNECTIONS] = now.connections - before.connections,
        [REQUESTS] = now.requests - before.requests,
        [RECEIVED] = now.received_bytes - before.received_bytes,
        [SENT] = now.sent_bytes - before.sent_bytes,
    };
    cell_out->is_late = serve_counters_is_late(&now);
    for (int i = 0; i < FIGURES; i++)
        cell_out->figures[i] =
            cell_out->is_late ? 0.0 : serve_counters_rate(&now, &before, grown[i]);
    cell_out->figures[OPEN] = (double)now.open;
}

static uint32_t cells_of(const serve_counters *c)
{
    return c->loops <= CELLS_MAX ? c->loops : 3;
}

/* Each loop; or of more loops than there is room for, the sum, the least and the most. */
static void cells_read(serve_counters *c, cell *cells)
{
    for (uint32_t i = 0; c->loops <= CELLS_MAX && i < c->loops; i++)
        cell_read(c, i, &cells[i]);
    for (uint32_t i = 0; c->loops > CELLS_MAX && i < c->loops; i++) {
        cell one;
        cell_read(c, i, &one);
        for (int k = 0; k < FIGURES; k++) {
            const double value = one.figures[k];
            cells[0].figures[k] += value;
            if (i == 0 || value < cells[1].figures[k])
                cells[1].figures[k] = value;
            if (i == 0 || value > cells[2].figures[k])
                cells[2].figures[k] = value;
        }
    }
}

/* --- text ------------------------------------------------------------------------------------ */

typedef struct layout {
    uint32_t cells;
    int figures; /* Of each cell. */
    int width;   /* Of each figure. */
} layout;

static layout layout_of(const serve_counters *c)
{
    layout l = {.cells = cells_of(c)};
    for (int i = 0; i < FIGURES; i++)
        l.figures += has_figure(c, i);
    const int cells = (int)l.cells;
    const int width = ((COLUMNS - (cells - 1)) / cells - (l.figures - 1)) / l.figures;
    l.width = width < WIDTH_MAX ? width : WIDTH_MAX;
    return l;
}

/* As many digits as the width allows, which is 3 at least, as "1234", "1.23M" or ".1M". */
static void figure_print(char *text, size_t size, int width, double value)
{
    static const char units[] = "kMGTPE";
    int length = snprintf(text, size, "%.0f", value);
    for (const char *unit = units; length > width && *unit != '\0'; unit++) {
        value /= 1000;
        for (int digits = 2; digits >= 0 && length > width; digits--) {
            char number[32];
            (void)snprintf(number, sizeof number, "%.*f", digits, value);
            length = snprintf(text, size, "%s%c", number + (number[0] == '0'), *unit);
        }
    }
}

static size_t text_add(char *line, size_t used, const char *text, int width)
{
    int length = snprintf(line + used, LINE_SIZE - used, "%*s", width, text);
    used += length > 0 ? (size_t)length : 0;
    return used < LINE_SIZE ? used : LINE_SIZE - 1;
}

static void line_write(const serve_counters *c, const cell *cells, char line[LINE_SIZE])
{
    const layout l = layout_of(c);
    size_t used = 0;
    for (uint32_t i = 0; i < l.cells; i++) {
        const char *separator = i == 0 ? "" : "|";
        for (int k = 0; k < FIGURES; k++) {
            char text[32] = "-";
            if (!has_figure(c, k))
                continue;
            if (!cells[i].is_late)
                figure_print(text, sizeof text, l.width, cells[i].figures[k]);
            used = text_add(line, used, separator, 0);
            used = text_add(line, used, text, l.width);
            separator = " ";
        }
    }
}

static void titles_write(const serve_counters *c, char line[LINE_SIZE])
{
    static const char *const titles[] = {"all", "least", "most"};
    const layout l = layout_of(c);
    size_t used = 0;
    for (uint32_t i = 0; i < l.cells; i++) {
        char title[32];
        if (c->loops <= CELLS_MAX)
            (void)snprintf(title, sizeof title, "loop %u", (unsigned)i);
        else if (i == 0)
            (void)snprintf(title, sizeof title, "all %u loops", (unsigned)c->loops);
        else
            (void)snprintf(title, sizeof title, "%s of a loop", titles[i]);
        used = text_add(line, used, i == 0 ? "" : "|", 0);
        used = text_add(line, used, title, -(l.figures * (l.width + 1) - 1));
    }
}

static void names_write(const serve_counters *c, char line[LINE_SIZE])
{
    static const char *const narrow[] = {"con", "new", "req", "in", "out"};
    static const char *const wide[] = {"open", "new/s", "req/s", "in/s", "out/s"};
    const layout l = layout_of(c);
    size_t used = 0;
    for (uint32_t i = 0; i < l.cells; i++) {
        const char *separator = i == 0 ? "" : "|";
        for (int k = 0; k < FIGURES; k++) {
            if (!has_figure(c, k))
                continue;
            used = text_add(line, used, separator, 0);
            used = text_add(line, used, l.width >= 5 ? wide[k] : narrow[k], l.width);
            separator = " ";
        }
    }
}

/* --- printing -------------------------------------------------------------------------------- */

static void header_print(const serve_live *l)
{
    char titles[LINE_SIZE];
    char names[LINE_SIZE];
    titles_write(l->counters, titles);
    names_write(l->counters, names);
    fprintf(stderr, "%s\n%s\n", titles, names);
    fflush(stderr);
}

static void line_print(const serve_live *l)
{
    cell cells[CELLS_MAX] = {{0}};
    char line[LINE_SIZE];
    if (!plx__stream_has_room(PLX__STREAM_ERROR))
        return; /* Else serve_live_stop() would wait for it. */
    cells_read(l->counters, cells);
    line_write(l->counters, cells, line);
    if (l->is_terminal)
        plx__atomic_store(&is_up, 1); /* First, so that a note that comes now makes room. */
    fprintf(stderr, l->is_terminal ? "\r%s\033[K" : "%s\n", line);
    fflush(stderr);
}

static void on_thread(void *data)
{
    serve_live *l = data;
    uint64_t next_ns = plx__clock_now() + INTERVAL_NS;
    plx__mutex_lock(&l->mutex);
    while (!l->is_ending) {
        const uint64_t now_ns = plx__clock_now();
        if (now_ns < next_ns) {
            (void)plx__condition_wait(&l->condition, &l->mutex, next_ns - now_ns);
            continue;
        }
        plx__mutex_unlock(&l->mutex);
        line_print(l);
        next_ns = now_ns + INTERVAL_NS;
        plx__mutex_lock(&l->mutex);
    }
    plx__mutex_unlock(&l->mutex);
}

void serve_note(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const bool replaces = plx__atomic_exchange(&is_up, 0) != 0;
    fprintf(stderr, "%spollux serve: %s\n", replaces ? "\r\033[K" : "", text);
    fflush(stderr);
}

/* --- running --------------------------------------------------------------------------------- */

int serve_live_take(serve_live *l, const char *when)
{
    static const char *const names[] = {
        [SERVE_LIVE_AUTO] = "auto", [SERVE_LIVE_ALWAYS] = "always", [SERVE_LIVE_NEVER] = "never"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(when, names[i]) == 0) {
            l->when = (enum serve_live_when)i;
            return COMMAND_DONE;
        }
    }
    return command_misused("serve", "--live: \"%s\" is none of auto, always and never", when);
}

bool serve_live_is_wanted(const serve_live *l)
{
    if (l->when == SERVE_LIVE_AUTO)
        return plx__stream_is_terminal(PLX__STREAM_ERROR);
    return l->when == SERVE_LIVE_ALWAYS;
}

int serve_live_run(serve_live *l, serve_counters *counters)
{
    l->counters = counters;
    l->is_terminal = plx__stream_is_terminal(PLX__STREAM_ERROR);
    plx__mutex_open(&l->mutex);
    plx__condition_open(&l->condition);
    header_print(l);
    int status = plx__thread_start(&l->thread, on_thread, l);
    l->is_running = status == 0;
    if (status != 0) {
        plx__condition_close(&l->condition);
        plx__mutex_close(&l->mutex);
    }
    return status;
}

void serve_live_stop(serve_live *l)
{
    if (!l->is_running)
        return;
    plx__mutex_lock(&l->mutex);
    l->is_ending = true;
    plx__condition_signal(&l->condition);
    plx__mutex_unlock(&l->mutex);
    plx__thread_join(&l->thread);
    plx__condition_close(&l->condition);
    plx__mutex_close(&l->mutex);
    l->is_running = false;
    if (plx__atomic_exchange(&is_up, 0) != 0 && plx__stream_has_room(PLX__STREAM_ERROR)) {
        fputc('\n', stderr);
        fflush(stderr);
    }
}
