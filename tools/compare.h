/* tools/compare.h - measures one server of this program after the other.
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
#include "tools/policy.h"
#include "tools/setting.h"

/* Room enough for the name of any row, the closing zero included. */
#define COMPARE_NAME_MAX 128u

/* What the clients do, and what the server does for them. All zero: requests one after the other.
 */
typedef struct compare_workload {
    const char *name;
    const char *what;     /* The same for people. */
    bool is_reconnecting; /* A connection for each request. */
    bool has_slow_half;   /* Half of the clients send slowly. */
    uint32_t block_ms;    /* Each request blocks its handler for so long; 0: it does not. */
} compare_workload;

/* One row of the table: what all measurements of it came to. */
typedef struct compare_cell {
    const char *backend;
    const policy *policy;             /* NULL: that of a server to which nobody says any, */
    uint32_t loops;                   /* and else so many loops serve. */
    const compare_workload *workload; /* NULL: requests one after the other. */
    uint32_t connections;
    uint64_t elapsed_ns;
    uint64_t requests;
    uint64_t connects; /* Connections that opened after time had started. */
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

/* What the row is of, as "poll with 16 connections". */
void compare_cell_name(const compare_cell *cell, char *text, size_t size);

#endif
