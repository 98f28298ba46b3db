/* SPDX-License-Identifier: Apache-2.0 */
/* The two things every --json answer needs. For .c files of this room that include jansson themselves. */
#ifndef MTLSD_CLI_DAEMON_JSON_H
#define MTLSD_CLI_DAEMON_JSON_H

#include "mtlsd/base/bytes.h"

struct json_t;

/* A JSON string of any bytes: what is not UTF-8 is escaped as %XX. NULL text gives null. */
struct json_t *daemon_json_text(const char *text);
/* Takes json (NULL is out of memory) and appends it, indented, with a newline. */
MUST_CHECK int daemon_json_write(struct json_t *json, struct bytes *out);

#endif
