/* tools/compare.h - measures a server of this program on one backend after the other.
 *
 * Each measurement has a server process of its own, so that its CPU time and its memory are those
 * which the system has counted for that process, and the load's are not among them.
 */
#ifndef TOOLS_COMPARE_H
#define TOOLS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pollux/types.h>

#include "tools/histogram.h"
#include "tools/load.h"
#include "tools/setting.h"

/* One row of the table: what all measurements of this pair came to. */
typedef struct compare_cell {
    const char *backend;
    uint32_t connections;
    uint64_t elapsed_ns;
    uint64_t requests;
    uint64_t errors;
    uint64_t cpu_ns;            /* Of the server; 0 if that is not known. */
    uint64_t memory_peak_bytes; /* 0 if that is not known. */
    uint64_t calls;             /* System calls, of a run on its own, */
    uint64_t calls_requests;    /* for so many requests; 0 if they could not be counted. */
    histogram latency_ns;
} compare_cell;

/* What stays the same over a comparison. */
typedef struct compare_bench {
    enum load_mode mode;
    const setting_list *settings; /* Of the servers, each for the backends that have it. */
    char program[4096];           /* The path of this program, */
    char tracer[4096];            /* and of strace; empty without. */
    load_result result;           /* Of the load that ran last. */
    plx_loop *signals;            /* Subscribes to the signals that end the comparison. */
    int ended_by; /* COMMAND_INTERRUPTED or COMMAND_TERMINATED after one of them, else 0. */
} compare_bench;

/* Finds the programs, and subscribes to signals with a loop on that backend. Prints what is wrong,
 * and returns a command_exit. */
int compare_bench_open(compare_bench *bench, enum load_mode mode, const setting_list *settings,
                       const char *backend);
void compare_bench_close(compare_bench *bench);
/* COMMAND_INTERRUPTED or COMMAND_TERMINATED when a signal has asked for the end, else 0. */
int compare_ended_by(compare_bench *bench);

/* Measures for so long, and adds it to the cell. Prints what is wrong, and returns a command_exit.
 * When a signal ends it early the cell does not change. */
int compare_measure(compare_bench *bench, compare_cell *cell, uint64_t duration_ns);

/* Counts the server's system calls, in a run of its own because counting slows it down a lot. Where
 * that cannot be done the cell stays as it is. Returns as compare_measure() does. */
int compare_count_calls(compare_bench *bench, compare_cell *cell, uint64_t duration_ns);

/* In microseconds; 0 if that is not known. */
double compare_cpu_per_request(const compare_cell *cell);

#endif
