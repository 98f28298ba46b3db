/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_trace.h"

enum { LENGTH = 55, TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53 };

static bool is_hex(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    return true;
}

static bool is_zero(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '0')
            return false;
    return true;
}

static struct span part(struct span s, size_t from, size_t n)
{
    return span_of(s.ptr + from, n);
}

static bool is_well_formed(struct span s)
{
    if (s.len < LENGTH || s.ptr[TRACE_AT - 1] != '-' || s.ptr[PARENT_AT - 1] != '-' || s.ptr[FLAGS_AT - 1] != '-')
        return false;
    struct span version = part(s, 0, 2), trace = part(s, TRACE_AT, 32), parent = part(s, PARENT_AT, 16);
    if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(part(s, FLAGS_AT, 2)) || is_zero(trace) || is_zero(parent))
        return false;
    if (is_zero(version))
        return s.len == LENGTH;
    return !span_equals_str(version, "ff") && (s.len == LENGTH || s.ptr[LENGTH] == '-');
}

struct span http_trace_parent(const struct http_head *head)
{
    struct span found = {NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < head->n_fields; i++)
        if (span_equals_nocase_str(head->fields[i].name, "traceparent")) {
            found = head->fields[i].value;
            n++;
        }
    return n == 1 && is_well_formed(found) ? span_of(found.ptr, LENGTH) : span_of(NULL, 0);
}
