/* tests/pselect_backend.h - goes in front of backends/registry.c where the suites compile it: they
 * know one backend more, a poller that was written by the five steps of CONTRIBUTING.md.
 */
#ifndef PSELECT_BACKEND_H
#define PSELECT_BACKEND_H

#include "backends/backend.h"

extern const plx__backend_ops plx__pselect_backend;

#define PLX__BACKENDS_OF_TESTS(X) X(pselect)

#endif
