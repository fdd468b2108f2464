/* tests/fuzz_faults.h - what the system refuses while the fuzzer runs. */
#ifndef FUZZ_FAULTS_H
#define FUZZ_FAULTS_H

#include <stdbool.h>

/* Has a few of the next calls of one kind fail: any kind that ends by itself. */
void fuzz_faults_arm(void);
/* Ends what was armed, here or elsewhere. How much room queues get stays as it is. */
void fuzz_faults_end(void);
/* Has loops that open from now on get tiny queues, or not; POLLUX_TEST_TINY: always. */
void fuzz_faults_room_choose(void);
/* Whether a call that opens something may return this code because of a fault. */
bool fuzz_faults_may_cause(int status);

#endif
