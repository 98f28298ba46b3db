/* SPDX-License-Identifier: Apache-2.0 */
/* The output of the demo: sections of rows, each with a verdict, and a count at the end. Colours only on a terminal, unless NO_COLOR is set. */
#ifndef MTLSD_CLI_DEMO_SHOW_H
#define MTLSD_CLI_DEMO_SHOW_H

#include "mtlsd/base/attr.h"
#include <stdbool.h>

struct demo_show {
    bool colour;
    unsigned rows, failed;
    double began; /* of probe_seconds */
};

void demo_show_begin(struct demo_show *s);
void demo_show_section(const struct demo_show *s, const char *title, const char *columns); /* columns: NULL for none */
/* One line and its verdict. */
void demo_show_row(struct demo_show *s, bool ok, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A further line without a verdict. */
void demo_show_note(const struct demo_show *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* True when there were rows and all held. */
bool demo_show_end(const struct demo_show *s);

#endif
