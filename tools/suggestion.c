/* tools/suggestion.c - the distance between words, and lists of them in prose. */
#include "tools/suggestion.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 32u

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* How many characters must be put in, taken out, changed or swapped with their neighbour to make
 * one word of the other; SIZE_MAX for words that are too long to be worth it. (The optimal string
 * alignment distance, row by row.) */
static size_t distance(const char *left, const char *right)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);
    if (left_length > WORD_MAX || right_length > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= right_length; j++)
        before[j] = above[j] = j;
    for (size_t i = 1; i <= left_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= right_length; j++) {
            row[j] = above[j - 1] + (left[i - 1] != right[j - 1]);
            row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *spent = before;
        before = above;
        above = row;
        row = spent;
    }
    return above[right_length];
}

const char *suggestion_find(const char *word, const char *const *choices, size_t count)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 1; /* Beyond that it is another word. */
    for (size_t i = 0; i < count; i++) {
        size_t steps = distance(word, choices[i]);
        if (steps <= least && (nearest == NULL || steps < least)) {
            nearest = choices[i];
            least = steps;
        }
    }
    return nearest;
}

void suggestion_list(char *text, size_t size, const char *const *choices, size_t count)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && length < size; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        int written = snprintf(text + length, size - length, "%s%s", joint, choices[i]);
        length += written > 0 ? (size_t)written : 0;
    }
}
