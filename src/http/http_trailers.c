/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_trailers.h"

#include "http_field.h"
#include "http_name.h"
#include "mtlsd/http/grpc.h"

#include <string.h>

bool http_trailers_are_wanted(const struct http_head *request)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        struct span codings = request->fields[i].value, coding;
        if (request->fields[i].name.len != 2 || !http_name_equals(request->fields[i].name, "te"))
            continue;
        while (span_next_in_list(&codings, &coding))
            if (span_equals_nocase_str(coding, "trailers"))
                return true;
    }
    return false;
}

/* Connection's own options name no field that could be a trailer. */
static bool names_field(struct span options)
{
    struct span option;
    while (span_next_in_list(&options, &option))
        if (!span_equals_nocase_str(option, "close") && http_field_may_trail(option))
            return true;
    return false;
}

bool http_trailers_may_pass(const struct http_head *h, bool wanted)
{
    bool passes = wanted;
    if (h->framing != HTTP_CHUNKED)
        return false;
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        if (http_name_equals(f->name, "content-type"))
            passes = passes || grpc_is_content_type(f->value);
        else if (http_field_kind_of(f->name) == HTTP_FIELD_CONNECTION && names_field(f->value))
            return false;
    }
    return passes;
}
