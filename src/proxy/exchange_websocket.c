/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket, where one side speaks HTTP/2 (RFC 8441):
 *
 *   client     upstream   asked with                     granted by   key and its answer
 *   HTTP/1.1   HTTP/1.1   the client's Upgrade           101          pass
 *   HTTP/2     HTTP/1.1   an Upgrade of ours             101 -> 200   ours is sent, its answer checked
 *   HTTP/1.1   HTTP/2     CONNECT with :protocol         2xx -> 101   the client's is answered here
 *   HTTP/2     HTTP/2     CONNECT with :protocol         2xx -> 200   none
 *
 * An upstream of HTTP/2 that takes no such CONNECT is asked in HTTP/1.1. Whichever way it came, gate, routes and log see the GET with Upgrade that it stands for.
 * Nothing that a client sends before the upstream has agreed goes there: to a server that does not agree it would be a request.
 */
#include "exchange_internal.h"

#include "mtlsd/http/http_websocket.h"
#include "mtlsd/policy/reason.h"

#include <stdlib.h>

/* ---- a client of HTTP/2 asks ---- */

static enum reason refuse(enum reason reason, const char *text, const char **why)
{
    *why = text;
    return reason;
}

enum reason exchange_websocket_read(struct http_head *head, const char **why)
{
    if (head->protocol.len == 0)
        return REASON_VALID;
    if (!span_equals_nocase_str(head->protocol, "websocket"))
        return refuse(REASON_METHOD_UNKNOWN, "the :protocol of CONNECT is not websocket", why);
    if (head->framing == HTTP_NO_BODY)
        return refuse(REASON_REQUEST_MALFORMED, "the stream of a WebSocket ends with its request", why);
    head->method = span_from_str("GET");
    head->framing = HTTP_NO_BODY;
    head->length = 0;
    return REASON_VALID;
}

/* ---- asking the upstream ---- */

bool exchange_websocket_is_refused(const struct exchange *x, const struct uplink *u)
{
    return x->asked.upgrade && u->link.h2 != NULL && http2_is_greeted(u->link.h2) && !http2_peer_takes_protocols(u->link.h2);
}

bool exchange_websocket_must_wait(const struct exchange *x, const struct uplink *u)
{
    return x->asked.upgrade && u->link.h2 != NULL && !http2_is_greeted(u->link.h2);
}

/* A client's own key would be one without an answer for it. */
static int set_key(struct exchange *x, struct exchange_websocket_edit *room)
{
    struct proxy_env *env = x->client->env;
    if (x->rare.key == NULL)
        x->rare.key = malloc(HTTP_WEBSOCKET_KEY_SIZE);
    if (x->rare.key == NULL || http_websocket_write_key(exchange_draw(env), exchange_draw(env), x->rare.key) != 0)
        return -1;
    room->set = (struct http_field){span_from_str(HTTP_WEBSOCKET_KEY), span_from_str(x->rare.key)};
    room->edit.set = &room->set;
    room->edit.n_set = 1;
    return 0;
}

int exchange_websocket_ask(struct exchange *x, struct http_outgoing *out, struct exchange_websocket_edit *room)
{
    bool http2 = x->use.uplink->link.h2 != NULL;
    *room = (struct exchange_websocket_edit){.edit = {.next = out->edit}, .remove = span_from_str(HTTP_WEBSOCKET_KEY)};
    if (!http2 && !x->asked.http2)
        return 0;
    out->edit = &room->edit;
    if (!http2)
        return set_key(x, room);
    room->edit.remove = &room->remove;
    room->edit.n_remove = 1;
    out->protocol = out->upgrade;
    out->framing = HTTP_CHUNKED;
    out->wants_trailers = false;
    return 0;
}

/* ---- its answer ---- */

bool exchange_websocket_begins(const struct exchange *x, const struct http_head *head)
{
    return x->asked.upgrade && (x->up.stream != NULL ? head->status >= 200 && head->status < 300 : head->status == 101);
}

const char *exchange_websocket_refusal(const struct exchange *x, const struct http_head *head)
{
    if (!x->asked.upgrade || !x->asked.http2 || x->up.stream != NULL)
        return NULL;
    if (head->status == 101)
        return http_websocket_accepts(head, span_from_str(x->rare.key)) ? NULL : "the upstream's Sec-WebSocket-Accept does not answer our key";
    return head->status < 300 ? "the upstream did not switch to WebSocket" : NULL; /* the client would take a 200 for it */
}

int exchange_websocket_answer(const struct exchange *x, const struct http_head *head, struct exchange_websocket_answer *out)
{
    const unsigned status = x->asked.http2 ? 200 : 101;
    *out = (struct exchange_websocket_answer){.head = *head};
    if (x->up.stream == NULL && !x->asked.http2)
        return 0;
    if ((out->fields = malloc((head->n_fields + 1) * sizeof(*out->fields))) == NULL)
        return -1;
    size_t n = 0;
    for (size_t i = 0; i < head->n_fields; i++)
        if (!span_equals_nocase_str(head->fields[i].name, HTTP_WEBSOCKET_ACCEPT))
            out->fields[n++] = head->fields[i];
    if (!x->asked.http2) {
        if (http_websocket_write_accept(http_websocket_key(x->kept.head), out->accept) != 0)
            return -1;
        out->fields[n++] = (struct http_field){span_from_str(HTTP_WEBSOCKET_ACCEPT), span_from_str(out->accept)};
    }
    out->head.fields = out->fields;
    out->head.n_fields = n;
    out->head.status = status;
    out->head.phrase = span_from_str(status == 101 ? "Switching Protocols" : "OK");
    return 0;
}

/* ---- what the client sends ---- */

void exchange_websocket_in(struct exchange *x, struct span in, struct moment now)
{
    if (x->raw) {
        exchange_raw_in(x, in, now);
        return;
    }
    x->bytes.in += in.len;
    x->bytes.owed += in.len; /* until the upstream agrees the client has its first window, and no more */
    if (!x->answer.answered && bytes_append_span(&x->kept.body, in) != 0)
        exchange_answer(x, REASON_INTERNAL, "out of memory", now);
}

void exchange_websocket_ended(struct exchange *x, struct moment now)
{
    x->down.ended = true;
    if (x->raw)
        exchange_raw_ended(x, now);
}
