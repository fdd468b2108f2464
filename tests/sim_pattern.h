/* tests/sim_pattern.h - bytes that tell their position: others at each, and in each stream. */
#ifndef SIM_PATTERN_H
#define SIM_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* So many may be read from where sim_pattern_at() points to. */
#define SIM_PATTERN_MAX 30000u

/* The bytes of the stream from that position on. */
const unsigned char *sim_pattern_at(size_t stream, uint64_t position);

#endif
