/* core/classes.h - the classes of all kinds, and what completions mean to each. */
#ifndef PLX__CLASSES_H
#define PLX__CLASSES_H

#include "core/loop.h"

/* By plx__kind. */
extern const plx__class *const plx__classes[PLX__KINDS];

/* Delivers what the last wait has brought. */
void plx__completions_deliver(plx_loop *loop);

#endif
