/* SPDX-License-Identifier: Apache-2.0 */
#include "status_text.h"

#include "t.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *status_text_of(void (*write)(struct bytes *out, const struct json_t *status), const char *json)
{
    static char text[1 << 18];
    struct bytes out;
    json_t *status = json_loads(json, 0, NULL);
    ck_assert_msg(status != NULL, "%s", json);
    bytes_init(&out, sizeof(text) - 1);
    write(&out, status);
    ck_assert(!out.failed);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    bytes_clear(&out);
    json_decref(status);
    return text;
}

unsigned status_text_count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}
