/* tools/suggestion.h - what somebody may have meant who mistyped a word. */
#ifndef TOOLS_SUGGESTION_H
#define TOOLS_SUGGESTION_H

#include <stddef.h>

/* The one of the `count` choices that is nearest to the word, or NULL when none is near. */
const char *suggestion_find(const char *word, const char *const *choices, size_t count);

/* Writes the choices as "a, b or c", cut off at `size` - 1 bytes. */
void suggestion_list(char *text, size_t size, const char *const *choices, size_t count);

#endif
