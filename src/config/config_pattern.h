/* SPDX-License-Identifier: Apache-2.0 */
/* Finds patterns of other programs (a star, a regular expression, a placeholder) in values that are compared as plain text. */
#ifndef MTLSD_CONFIG_PATTERN_H
#define MTLSD_CONFIG_PATTERN_H

#include <stdbool.h>

enum { CONFIG_PATTERN_TEXT = 256 };

/* Whether the path of a route was meant as a pattern; then out says what to write in its place, as the end of a sentence. */
bool config_pattern_is_path(const char *path, char out[CONFIG_PATTERN_TEXT]);
/* The same for one method: "*", "GET|POST", "GET,POST". */
bool config_pattern_is_method(const char *method, char out[CONFIG_PATTERN_TEXT]);

#endif
