/* tests/fuzz_refusals.h - calls whose result is known beforehand, most often that they are refused.
 */
#ifndef FUZZ_REFUSALS_H
#define FUZZ_REFUSALS_H

#include <pollux/pollux.h>

#include <stdbool.h>

/* Makes some such call and checks what it returns. `is_inside`: from a callback of the loop. Ends
 * all faults. */
void fuzz_refusals_call(plx_loop *loop, bool is_inside);

#endif
