/* core/classes.h - the classes of all kinds, and what completions mean to each. */
#ifndef PLX__CLASSES_H
#define PLX__CLASSES_H

#include "core/loop.h"

/* By plx__kind. */
extern const plx__class *const plx__classes[PLX__KINDS];

/* By plx__deadline_kind: called when it is due, with the node taken from the wheel. */
extern void (*const plx__fired[PLX__DEADLINE_KINDS])(plx_loop *loop, plx__wheel_node *node);

/* Delivers what the last wait has brought. */
void plx__completions_deliver(plx_loop *loop);

#endif
