/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/admin_client.h"
#include "mtlsd/io/http_client.h"

#include <errno.h>
#include <string.h>

static const char *what_to_do(int system_error)
{
    switch (system_error) {
    case ENOENT:
        return "there is no such socket: is mtlsd running with this admin.socket?";
    case ECONNREFUSED:
        return "no daemon answers there: it has ended";
    case EACCES:
    case EPERM:
        return "permission denied: run this as the user mtlsd runs as, or as root";
    default:
        return NULL;
    }
}

/* An address that stands for all of them is none to connect to. */
static const char *host_of(const struct address *listens)
{
    bool every = listens->host[0] == '\0' || strcmp(listens->host, "0.0.0.0") == 0;
    return every ? "127.0.0.1" : strcmp(listens->host, "::") == 0 ? "::1" : listens->host;
}

static const char *health_advice(int system_error)
{
    return system_error == ECONNREFUSED ? "no daemon answers there: is mtlsd running with this admin.health?" : NULL;
}

static int explain_health(const struct admin_call *call, const struct http_reply *reply, const struct err *why, struct err *err)
{
    char place[300];
    address_format(call->health, place, sizeof(place));
    if (reply->timed_out)
        return err_set(err, ERR_IO, "admin.health %s: no answer within %u s", place, call->timeout_ms / 1000);
    const char *advice = reply->unconnected ? health_advice(reply->system_error) : NULL;
    return err_set(err, why->kind, "admin.health %s: %s", place, advice != NULL ? advice : why->text);
}

int admin_client_call(const struct admin_call *call, unsigned *status, struct bytes *body, struct err *err)
{
    struct http_call request = {.socket = call->socket, .method = call->method, .path = call->path, .within_ms = call->timeout_ms};
    if (call->health != NULL) {
        request.host = host_of(call->health);
        request.port = call->health->port;
    }
    struct http_reply reply = {.status = 0};
    struct err why = {0};
    struct http_client *client = http_client_new();
    int rc = client != NULL ? http_client_call(client, &request, &reply, &why) : err_set(&why, ERR_MEMORY, "out of memory");
    http_client_free(client);
    *status = reply.status;
    *body = reply.body;
    if (rc == 0)
        return 0;
    if (call->health != NULL)
        return explain_health(call, &reply, &why, err);
    if (reply.timed_out)
        return err_set(err, ERR_IO, "admin socket %s: no answer within %u s", call->socket, call->timeout_ms / 1000);
    const char *advice = reply.unconnected ? what_to_do(reply.system_error) : NULL;
    return err_set(err, why.kind, "admin socket %s: %s", call->socket, advice != NULL ? advice : why.text);
}
