/* SPDX-License-Identifier: Apache-2.0 */
#include "explain_why.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_SHOWN = 100, RULE_SIZE = 200 };

struct text {
    char *out;
    size_t size, used;
};

static struct text begin_text(char *out, size_t size)
{
    out[0] = '\0';
    return (struct text){.out = out, .size = size};
}

static void PRINTF_LIKE(2, 3) add(struct text *t, const char *fmt, ...)
{
    va_list args;
    if (t->used + 1 >= t->size)
        return;
    va_start(args, fmt);
    int n = vsnprintf(t->out + t->used, t->size - t->used, fmt, args);
    va_end(args);
    size_t left = t->size - t->used;
    if (n >= 0 && (size_t)n < left) {
        t->used += (size_t)n;
        return;
    }
    t->used = t->size - 1;
    memcpy(t->out + t->size - 4, "...", 4);
}

static void add_value(struct text *t, struct span value)
{
    int n = value.len < VALUE_SHOWN ? (int)value.len : VALUE_SHOWN;
    add(t, "\"%.*s\"%s", n, value.len > 0 ? (const char *)value.ptr : "", value.len > VALUE_SHOWN ? "..." : "");
}

static void add_list(struct text *t, const struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        add(t, "%s\"%s\"", i == 0 ? "" : i + 1 == list->n ? " or " : ", ", list->items[i]);
}

static enum reason status_of(const struct route_question *q)
{
    return q->verdict != NULL ? q->verdict->status : REASON_NONE;
}

static void why_no_caller(struct text *t, const struct route_question *q)
{
    enum reason status = status_of(q);
    if (status == REASON_NONE)
        add(t, "there is no certificate");
    else
        add(t, "the certificate is %s, and only a valid one proves an identity", reason_word(status));
}

void explain_why_refused(const struct config_allow *rules, size_t n, const struct route_question *q, char *out, size_t size)
{
    struct text t = begin_text(out, size);
    if (status_of(q) != REASON_VALID || q->peer == NULL) {
        why_no_caller(&t, q);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char rule[RULE_SIZE];
        const char *key = allow_first_miss(&rules[i], q->peer), *why = allow_why_not(&rules[i], q->peer);
        allow_rule_describe(&rules[i], rule, sizeof(rule));
        if (key != NULL && key[0] != '\0')
            add(&t, "%s{ %s }: %s does not hold%s%s%s", i > 0 ? "; " : "", rule, key, why != NULL ? " (" : "", why != NULL ? why : "", why != NULL ? ")" : "");
        else
            add(&t, "%sa rule without keys matches no client", i > 0 ? "; " : "");
    }
}

void explain_why_let_in(const struct config_allow *rules, size_t n, const struct route_question *q, char *out, size_t size)
{
    struct text t = begin_text(out, size);
    for (size_t i = 0; i < n; i++) {
        char rule[RULE_SIZE];
        if (!allow_permits(&rules[i], 1, q->verdict, q->peer))
            continue;
        allow_rule_describe(&rules[i], rule, sizeof(rule));
        add(&t, "{ %s } holds", rule);
        return;
    }
}

static void why_other_status(struct text *t, const struct config_route *route, const struct route_question *q)
{
    char wanted[RULE_SIZE];
    route_describe_cert(route->cert, wanted, sizeof(wanted));
    add(t, "the certificate's status is %s, not %s", reason_word(status_of(q)), wanted);
}

void explain_why_missed(enum route_miss miss, const struct config_route *route, const struct route_question *q, char *out, size_t size)
{
    struct text t = begin_text(out, size);
    switch (miss) {
    case ROUTE_OTHER_HOST:
        add(&t, "host ");
        add_value(&t, q->host);
        add(&t, " is not ");
        add_list(&t, &route->host);
        break;
    case ROUTE_OTHER_PATH:
        if (q->path.len > 0) {
            add(&t, "path ");
            add_value(&t, q->path);
            add(&t, " is not \"%s\" or below it", route->path);
        } else {
            add(&t, "the request has no path, which \"%s\" needs", route->path);
        }
        break;
    case ROUTE_OTHER_METHOD:
        add(&t, "method ");
        add_value(&t, q->method);
        add(&t, " is not ");
        add_list(&t, &route->method);
        break;
    case ROUTE_OTHER_STATUS:
        why_other_status(&t, route, q);
        break;
    case ROUTE_OTHER_CALLER:
        explain_why_refused(route->caller, route->n_caller, q, out, size);
        break;
    case ROUTE_MATCHES:
        break;
    }
}

void explain_why_spelled(const struct config_route *route, const struct route_question *q, char *out, size_t size)
{
    struct text t = begin_text(out, size);
    add(&t, "path ");
    add_value(&t, q->path);
    add(&t, " is \"%s\" or below it in another spelling", route->path);
}
