/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard.h"

#include "dashboard_parts.h"
#include "html.h"
#include "status_doc.h"
#include "mtlsd/control/document.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The hashes are those of dashboard_style and dashboard_script; a test compares them. */
const char *const dashboard_fields =
    "Content-Security-Policy: default-src 'none'; style-src 'sha256-D4SXjpfrvpOdFp+qE7tjJnhHkeldUl91ToYlr1tsEIk='; script-src 'sha256-4VVEwg2epE0EpZxzyWdQOsOY3JK8f49Ck7JP0WotkUg='; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: same-origin\r\nX-Frame-Options: DENY\r\nCross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n";

/* ---- the instance ---- */

static void put_uptime(struct bytes *out, long long s)
{
    if (s >= 2 * 86400)
        bytes_printf(out, "%lld days", s / 86400);
    else if (s >= 2 * 3600)
        bytes_printf(out, "%lld hours", s / 3600);
    else
        bytes_printf(out, "%lld min", s / 60);
}

static void put_fallbacks(struct bytes *out, const json_t *identities)
{
    for (size_t i = 0; i < json_array_size(identities); i++) {
        const char *fallback = document_string(json_array_get(identities, i), "fallback", NULL);
        if (fallback == NULL)
            continue;
        bytes_append_str(out, "<p class=\"why bad\">Fallback of identity ");
        html_text(out, document_string(json_array_get(identities, i), "name", "?"));
        bytes_append_str(out, ": ");
        html_text(out, fallback);
        bytes_append_str(out, "</p>");
    }
}

static void put_instance(struct bytes *out, const json_t *status)
{
    const char *state = document_truth(status, "draining") ? "draining" : document_truth(status, "ready") ? "ready" : "starting";
    html_raw(out, "<section id=\"instance\"><p><strong class=\"state ", strcmp(state, "ready") == 0 ? "good" : "soon", "\">", state, "</strong> ", NULL);
    bytes_append_str(out, "mtlsd ");
    html_text(out, document_string(status, "version", "?"));
    bytes_append_str(out, ", up ");
    put_uptime(out, document_number(status, "uptime_seconds"));
    bytes_printf(out, ", %lld workers, generation %lld, %lld of %lld connections</p>", document_number(status, "workers"), document_number(status, "generation"),
                 document_number(status, "connections.open"), document_number(status, "connections.most"));
    const char *error = document_string(status, "last_reload.error", NULL);
    if (error != NULL) {
        bytes_append_str(out, "<p class=\"why bad\">The last reload was refused, and the old configuration stays in use: ");
        html_text(out, error);
        bytes_append_str(out, "</p>");
    }
    put_fallbacks(out, document_get(status, "identities"));
    bytes_append_str(out, "</section>\n");
}

int dashboard_main(struct bytes *out, const struct admin_view *view, const char *nonce)
{
    json_t *status = status_doc_value(view);
    if (status == NULL)
        return -1;
    put_instance(out, status);
    dashboard_chains(out, status);
    dashboard_targets(out, status, nonce);
    dashboard_timeline(out, status);
    dashboard_callers(out, status);
    dashboard_refusals(out, status);
    bytes_append_str(out, "<section id=\"end\"><p>As of <time>");
    html_text(out, document_string(status, "now", "?"));
    bytes_append_str(out, "</time>. The same as <a href=\"?json\">JSON</a>.</p></section>\n");
    json_decref(status);
    return out->failed ? -1 : 0;
}

/* Without a script the page loads itself again. */
int dashboard_page(struct bytes *out, const struct admin_view *view, const char *nonce)
{
    html_raw(out,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<meta name=\"color-scheme\" content=\"light dark\"><title>mtlsd</title><link rel=\"icon\" href=\"data:,\">"
             "<noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript><style>",
             dashboard_style, "</style></head>\n<body><header><h1>mtlsd</h1></header>\n<main>\n", NULL);
    int rc = dashboard_main(out, view, nonce);
    html_raw(out, "</main>\n<script>", dashboard_script, "</script></body></html>\n", NULL);
    return rc == 0 && !out->failed ? 0 : -1;
}
