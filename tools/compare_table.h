/* tools/compare_table.h - what a comparison has measured, as a table or as JSON. */
#ifndef TOOLS_COMPARE_TABLE_H
#define TOOLS_COMPARE_TABLE_H

#include <stddef.h>

#include "tools/compare.h"
#include "tools/json.h"

/* Which columns there are, which rows compete, and for what. */
typedef struct compare_kind compare_kind;

extern const compare_kind compare_of_backends;
extern const compare_kind compare_of_policies;

/* Of cells that measured nothing there is no row. */
void compare_table_print(const compare_kind *kind, const compare_cell *cells, size_t count);
/* The same rows. The caller owns them. */
cJSON *compare_table_json(const compare_kind *kind, const compare_cell *cells, size_t count);

#endif
