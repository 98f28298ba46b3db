/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_json.h"
#include "mtlsd/base/text.h"

#include <jansson.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)256 * 1024)

struct json_t *daemon_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *as_is = json_string(text); /* refuses what is not UTF-8, and a certificate may hold anything */
    if (as_is != NULL)
        return as_is;
    struct bytes b;
    bytes_init(&b, TEXT_MAX);
    json_t *value = text_append_percent(&b, span_from_str(text)) == 0 ? json_stringn((const char *)b.data, b.len) : NULL;
    bytes_clear(&b);
    return value;
}

int daemon_json_write(struct json_t *json, struct bytes *out)
{
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    int rc = text != NULL && bytes_append_str(out, text) == 0 && bytes_append_str(out, "\n") == 0 ? 0 : -1;
    free(text);
    json_decref(json);
    return rc;
}
