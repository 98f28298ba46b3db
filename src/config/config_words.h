/* SPDX-License-Identifier: Apache-2.0 */
/* The form of values in HTTP: names of fields and cookies, paths, hosts, origins, redirect targets. Values in, a verdict out; a refusal is the end
 * of a sentence. */
#ifndef MTLSD_CONFIG_WORDS_H
#define MTLSD_CONFIG_WORDS_H

#include <stdbool.h>

bool config_words_is_token(const char *text); /* RFC 9110 section 5.6.2 */
bool config_words_is_method(const char *text);
bool config_words_is_route(const char *text); /* of a target: ends a cookie behind a dot */
/* "200", "200-399" or several with commas. */
bool config_words_are_statuses(const char *text);

/* NULL, or why this cannot be the path of a route: what a request's path never looks like when it is compared. */
const char *config_words_path_refusal(const char *path);
/* NULL, or why this cannot be asked for: a path that may have a query. */
const char *config_words_target_refusal(const char *target);
/* NULL, or why this cannot be a Location: an absolute path or an http(s) URL. */
const char *config_words_location_refusal(const char *location);
/* NULL, or why this is not a host: "name", an address without brackets, "*.suffix" where pattern, ":port" behind it where port. */
const char *config_words_host_refusal(const char *host, bool pattern, bool port);
/* NULL, or why no browser sends this in Origin. */
const char *config_words_origin_refusal(const char *origin);
/* NULL, or why a route may not change this field: it belongs to the framing or to another key. */
const char *config_words_field_refusal(const char *name);

/* Finds patterns of other programs (a star, a regular expression, a placeholder) in values that are compared as plain text. */

enum { CONFIG_PATTERN_TEXT = 256 };

/* Whether the path of a route was meant as a pattern. Then out says what to write instead, as the end of a sentence. */
bool config_pattern_is_path(const char *path, char out[CONFIG_PATTERN_TEXT]);
/* The same for one method: "*", "GET|POST", "GET,POST". */
bool config_pattern_is_method(const char *method, char out[CONFIG_PATTERN_TEXT]);

#endif
