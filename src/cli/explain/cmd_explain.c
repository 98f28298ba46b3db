/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "explain_caller.h"
#include "explain_sheet.h"
#include "flags.h"
#include "load.h"
#include "mtlsd/io/clock.h"
#include "time_arg.h"

#include <stdlib.h>

#define REQUEST_MAX ((size_t)4 * 1024 * 1024)

struct explain_flags {
    const char *config, *listener, *request, *server_name, *cert, *at, *uid;
    struct flag_list headers, gids;
    bool json, http2;
};

static int answer(const struct explain_flags *a, struct explain_ask *ask, struct err *err)
{
    struct explain answer;
    int rc = explain_make(ask, &answer);
    if (rc == 0)
        rc = page_show(explain_sheet_document(ask, &answer), a->json, explain_sheet_print);
    explain_clear(&answer);
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int ask_snapshot(const struct explain_flags *a, const struct snapshot *s, int64_t now, struct err *err)
{
    static const struct caller untold = {.why = "none was given: give --uid"};
    struct explain_ask ask = {.snapshot = s, .now = now, .caller = &untold};
    struct tls_chain chain = {0};
    struct caller *caller = NULL;
    struct bytes request;
    bytes_init(&request, REQUEST_MAX);
    ask.listener = explain_pick_listener(s, a->listener, a->request, err);
    int rc = ask.listener != NULL ? 0 : -1;
    if (rc == 0 && a->request != NULL && ask.listener->conf->protocol == CONFIG_PROTOCOL_TCP)
        rc = err_set(err, ERR_USAGE, "listener %s passes bytes (protocol = \"tcp\"): it has no requests", ask.listener->conf->name);
    if (rc == 0 && a->request != NULL)
        rc = explain_write_request(&request, ask.listener, a->request, a->headers.items, a->headers.n, err);
    if (rc == 0 && a->cert != NULL)
        rc = load_chain(a->cert, &chain, err);
    if (rc == 0 && a->uid != NULL)
        rc = explain_caller_read(a->uid, a->gids.items, a->gids.n, &caller, err);
    if (rc == 0) {
        ask.caller = caller != NULL ? caller : ask.caller;
        ask.request = bytes_span(&request);
        ask.server_name = a->server_name != NULL ? span_from_str(a->server_name) : a->request != NULL ? explain_server_name(a->request) : ask.server_name;
        ask.ders = chain.ders;
        ask.n_ders = chain.n;
        rc = answer(a, &ask, err);
    }
    tls_chain_clear(&chain);
    bytes_clear(&request);
    free(caller);
    return rc;
}

static int explain_file(const struct explain_flags *a)
{
    struct err err = {0};
    int64_t now = clock_now();
    if (a->at != NULL && time_arg_parse(a->at, &now, &err) != 0)
        return command_fail_err(&err);
    struct snapshot *s = load_snapshot_or_say(a->config, now);
    if (s == NULL)
        return COMMAND_REFUSED;
    int code = ask_snapshot(a, s, now, &err) == 0 ? COMMAND_FINE : command_fail_err(&err);
    snapshot_unref(s);
    return code;
}

static int explain_http2(struct explain_flags *a)
{
    struct bytes request;
    bytes_init(&request, REQUEST_MAX);
    int rc = bytes_printf(&request, "%s HTTP/2", a->request);
    if (rc == 0)
        rc = bytes_append(&request, "", 1);
    a->request = (const char *)bytes_span(&request).ptr;
    int code = rc == 0 ? explain_file(a) : command_fail(COMMAND_USAGE, "the request is too large");
    bytes_clear(&request);
    return code;
}

int cmd_explain(int argc, char **argv)
{
    struct explain_flags a = {.config = COMMAND_CONFIG_PATH};
    const struct flag table[] = {
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &a.config, .value = "FILE",
         .help = "configuration file (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--listener", .kind = FLAG_TEXT, .target = &a.listener, .value = "NAME",
         .help = "listener that receives the request; needed only if the request does\nnot say"},
        {.name = "--request", .kind = FLAG_TEXT, .target = &a.request, .value = "'METHOD TARGET'",
         .help = "request of the client: 'GET http://host/path', 'GET /path',\n'CONNECT host:443'"},
        {.name = "--header", .kind = FLAG_LIST, .target = &a.headers, .value = "'Name: value'",
         .help = "header of the request (may be repeated)"},
        {.name = "--http2", .kind = FLAG_SWITCH, .target = &a.http2,
         .help = "the request comes by HTTP/2, where CONNECT with a path is a WebSocket"},
        {.name = "--server-name", .kind = FLAG_TEXT, .target = &a.server_name, .value = "NAME",
         .help = "server name (SNI) that the client sends (default: the host of the\nrequest)"},
        {.name = "--cert", .kind = FLAG_TEXT, .target = &a.cert, .value = "PEM",
         .help = "client certificate with its chain"},
        {.name = "--uid", .kind = FLAG_TEXT, .target = &a.uid, .value = "USER",
         .help = "user of the calling program, by name or number, for allow_uids and\nallow_gids"},
        {.name = "--gid", .kind = FLAG_LIST, .target = &a.gids, .value = "GROUP",
         .help = "group of the calling program, known of unix sockets only (may be\nrepeated)"},
        {.name = "--at", .kind = FLAG_TEXT, .target = &a.at, .value = "TIME",
         .help = "time of the check: 2026-01-31T23:59:59Z (or +05:30), 2026-01-31\nor @SECONDS (default: now)"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON"},
    };
    const struct flags flags = {
        .command = "mtlsd explain",
        .usage = "-c FILE [--listener NAME] [--request 'METHOD TARGET' [--header 'Name: value']... [--http2]] [--server-name NAME] [--cert PEM] [--uid USER [--gid GROUP]...] [--json]",
        .about = "Prints what run would do with a request, a client certificate, or both. The output names the line of the\n"
                 "configuration that decides, and why earlier lines did not. No connection is made.\n"
                 "Exit code 0: a result was printed. 2: the command line is wrong. 3: the configuration or the certificate file\n"
                 "cannot be used.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Examples:\n  mtlsd explain -c mtlsd.conf --request 'GET http://127.0.0.1:8080/admin'\n"
                 "  mtlsd explain -c mtlsd.conf --listener public --cert alice.pem --request 'GET /admin'",
    };
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    if (a.request == NULL && a.cert == NULL && a.uid == NULL)
        return command_fail(COMMAND_USAGE, "nothing to explain: give --request 'GET http://host/path', --cert PEM or both");
    if (a.request == NULL && a.headers.n > 0)
        return command_fail(COMMAND_USAGE, "--header needs a --request");
    if (a.uid == NULL && a.gids.n > 0)
        return command_fail(COMMAND_USAGE, "--gid needs --uid");
    if (a.request == NULL && a.http2)
        return command_fail(COMMAND_USAGE, "--http2 needs a --request");
    return a.http2 ? explain_http2(&a) : explain_file(&a);
}
