/* SPDX-License-Identifier: Apache-2.0 */
/* Values of requests, certificates and the configuration are escaped. Only '%' stays as it is ({%...}), so that a path reads as it was written. */
#include "explain_sheet.h"

#include <string.h>

#define INDENT "            "

static void print_request(struct page *p, const json_t *document)
{
    page_put(p, document_get(document, "request"),
             "[{?method}request     {%method} {%target} {version}\n[{?form}" INDENT "{form} form[, host {%host}][, port {port}][, path {%path}]\n]]");
}

static void print_certificate(struct page *p, const json_t *certificate)
{
    if (certificate == NULL || strcmp(document_string(certificate, "status", "none"), "none") == 0)
        return;
    page_put(p, certificate, "certificate {%subject|cannot be parsed}\n" INDENT "status {status}, OpenSSL's number {openssl_error}\n");
    page_each(p, document_get(certificate, "findings"), INDENT "- {reason}: {$title}\n");
    page_put(p, certificate, "[{status=valid}{?ocsp}" INDENT "run asks its OCSP responder, too, and [{ocsp=hard}refuses][{ocsp=soft}accepts] it without an answer; explain asks nothing\n]");
}

static bool is_of_routes(const json_t *step)
{
    return strcmp(document_string(step, "stage", ""), "routes") == 0;
}

/* Which route decides is said below. */
static void print_steps(struct page *p, const json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (!is_of_routes(json_array_get(steps, i)))
            page_put(p, json_array_get(steps, i), "{stage:12}[{?passes}passes][{!passes}REFUSED]: {%detail}\n");
}

static void print_route(struct page *p, const json_t *document, const json_t *route)
{
    bool has_target = document_get(document, "request.form") != NULL;
    bool shows_caller = document_truth(document, "certificate_given") || !has_target;
    bool differs = !json_equal(document_get(route, "differs_in"), document_get(route, "caller_differs_in"));
    page_put(p, route, has_target ? "{%where}  {role}[: {%detail}]\n" : "{%where}  {role}[: {%caller_detail}]\n");
    if (shows_caller && has_target && differs && document_truth(route, "asks_caller"))
        page_put(p, route, INDENT "  [{!caller_differs_in}it would match this client][{?caller_differs_in}nor this client[: {%caller_detail}]]\n");
    if (shows_caller || document_truth(route, "decides") || document_truth(route, "must_let_pass"))
        page_put(p, route, "[{?gate}" INDENT "  its allow [{gate=open}accepts][{gate=shut}refuses] this client[: {%gate_detail}]\n]");
}

static void print_routes(struct page *p, const json_t *document)
{
    const json_t *routes = document_get(document, "routes"), *steps = document_get(document, "steps"), *last = json_array_get(steps, json_array_size(steps) - 1);
    bool decided = false;
    for (size_t i = 0; i < json_array_size(routes); i++) {
        page_say(p, i == 0 ? "routes      " : INDENT);
        print_route(p, document, json_array_get(routes, i));
        const json_t *route = json_array_get(routes, i);
        bool shut = strcmp(document_string(route, "gate", ""), "shut") == 0; /* then its rules were told */
        decided = decided || (document_truth(route, "decides") && (shut || document_truth(last, "passes")));
    }
    if (!decided && is_of_routes(last))
        page_put(p, last, INDENT "{%detail}\n");
}

/* Each string of a list, on a line of its own. */
static void print_each(struct page *p, const json_t *list, const char *before, const char *after)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        page_say(p, before);
        page_written(p, json_string_value(json_array_get(list, i)));
        page_say(p, after);
    }
}

static void print_edits(struct page *p, const json_t *answer)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document_get(answer, "set_headers"), name, value)
    {
        page_say(p, INDENT "sets ");
        page_written(p, name);
        page_say(p, ": ");
        page_written(p, json_string_value(value));
        page_say(p, "\n");
    }
    print_each(p, document_get(answer, "remove_headers"), INDENT "removes ", "\n");
    print_each(p, document_get(answer, "adds"), INDENT "adds ", "\n");
    page_put(p, answer, "[{?passes_xfcc}" INDENT "forwards X-Forwarded-Client-Cert of a verified client\n]");
    print_each(p, document_get(answer, "dropped"), INDENT "drops ", ": clients cannot claim an identity\n");
    print_each(p, document_get(answer, "dropped_overrides"), INDENT "drops ", ": no field replaces the host, path or method that routes match\n");
}

#define TO_UPSTREAM "forwarded to upstream {%upstream} at {%upstream_where}: {%targets+, }\n"

static void print_answer(struct page *p, const json_t *answer)
{
    static const struct {
        const char *action, *form;
    } forms[] = {
        {"refuse", "[{?status}refused with {status}][{!status}[{stage=routes}the connection is closed][{!stage=routes}the handshake is refused[{?alert_name} with alert {alert_name} ({alert})]]], {reason}\n" INDENT "-> {$hint}\n[" INDENT "contact {%contact}\n]"},
        {"forward", TO_UPSTREAM INDENT "as {%method} {%target}, Host {%host|as it came}\n[" INDENT "strips {%strip_prefix}\n]"},
        {"redirect", "redirected with {status} to {%location}\n"},
        {"respond", "answered with {status}[, {%type}][ from {%file}]\n[" INDENT "{%body}\n]"},
        {"tunnel", "a tunnel\n"},
        {"direct", "forwarded in plaintext directly to the host, without an upstream\n"},
        {"bytes", TO_UPSTREAM},
        {"serve", "answered by mtlsd itself (serve = \"{page}\")\n"},
    };
    const char *action = document_string(answer, "action", "");
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].action, action) != 0)
            continue;
        page_say(p, "answer      ");
        if (strcmp(action, "refuse") != 0 || is_of_routes(answer))
            page_put(p, answer, "[{%where}  ]");
        page_put(p, answer, forms[i].form);
    }
    print_edits(p, answer);
}

void explain_sheet_print(struct page *p, const json_t *document)
{
    page_put(p, document_get(document, "listener"), "listener    {%name} at {%where}\n");
    print_request(p, document);
    print_certificate(p, document_get(document, "certificate"));
    print_steps(p, document_get(document, "steps"));
    print_routes(p, document);
    print_answer(p, document_get(document, "answer"));
}
