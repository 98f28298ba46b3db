/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_head.h"

struct span http_head_find(const struct http_head *h, const char *name)
{
    struct span wanted = span_from_str(name);
    for (size_t i = 0; i < h->n_fields; i++)
        if (span_equals_nocase(h->fields[i].name, wanted))
            return h->fields[i].value;
    return (struct span){NULL, 0};
}
