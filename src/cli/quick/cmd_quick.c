/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that run a configuration which is made from flags: client and server. */
#include "command.h"
#include "quick.h"
#include "mtlsd/daemon/run.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)256 * 1024)

typedef int (*make_fn)(const struct quick_config *q, struct bytes *out, struct err *err);

/* Runs the configuration that make writes, as `run` runs a file. print: shows it on stdout instead, to go on with in a file. Gives an exit code. */
static int run(make_fn make, const struct quick_config *q, bool print)
{
    struct err err = {0};
    struct bytes out;
    bytes_init(&out, TEXT_MAX);
    char *text = make(q, &out, &err) == 0 ? span_dup(bytes_span(&out)) : NULL;
    bytes_clear(&out);
    int code = COMMAND_FINE;
    if (text == NULL)
        code = err.kind != ERR_NONE ? command_fail_err(&err) : command_fail(COMMAND_FAILED, "out of memory");
    else if (print)
        fputs(text, stdout);
    else
        code = daemon_run(&(struct run_options){.text = text, .place = QUICK_WORDS_PLACE, .translate = quick_words_translate});
    free(text);
    return code;
}

int cmd_client(int argc, char **argv)
{
    struct quick_config q = {0};
    bool print = false;
    const struct flag table[] = {
        {.name = "--listen", .kind = FLAG_TEXT, .required = true, .target = &q.listen, .value = "ADDR",
         .help = "address for the program, in plaintext:\n127.0.0.1:8080, [::1]:8080 or unix:/run/x.sock"},
        {.name = "--upstream", .kind = FLAG_TEXT, .required = true, .target = &q.target, .value = "https://HOST[:PORT]",
         .help = "server to connect to with mutual TLS (default port: 443)"},
        {.name = "--bundle", .kind = FLAG_TEXT, .required = true, .target = &q.bundle, .value = "PEM",
         .help = "certificate, chain and key to present, in one file with mode 0600"},
        {.name = "--ca", .kind = FLAG_TEXT, .target = &q.ca, .value = "PEM",
         .help = "CA of the server's certificate (default: the system's CAs)"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &q.crl, .value = "FILE", .help = "revocation list of this CA (may be repeated)"},
        {.name = "--server-name", .kind = FLAG_TEXT, .target = &q.server_name, .value = "NAME",
         .help = "name that the server's certificate must have (default: HOST)"},
        {.name = "--tcp", .kind = FLAG_SWITCH, .target = &q.tcp, .help = "forward bytes unchanged, not HTTP requests"},
        {.name = "--insecure-expose", .kind = FLAG_SWITCH, .target = &q.insecure_expose,
         .help = "allow an address that other hosts can reach: they can then\nuse our certificate"},
        {.name = "--host", .kind = FLAG_LIST, .target = &q.hosts, .value = "NAME[:PORT]",
         .help = "additional Host to answer for, beside localhost and the\naddress of --listen (may be repeated)"},
        {.name = "--admin", .kind = FLAG_TEXT, .target = &q.admin, .value = "unix:PATH", .help = "admin socket for mtlsd status, reload and drain"},
        {.name = "--log-level", .kind = FLAG_TEXT, .target = &q.log_level, .value = "LEVEL", .help = "log level: error, warn, info (default) or debug"},
        {.name = "--print", .kind = FLAG_SWITCH, .target = &print, .help = "print the equivalent configuration file and exit"},
    };
    const struct flags flags = {
        .command = "mtlsd client",
        .usage = "--listen ADDR --upstream https://HOST[:PORT] --bundle PEM [--ca PEM] [--tcp]",
        .about = "Runs an injector without a configuration file: a program connects to localhost in plaintext and reaches one server\n"
                 "with a client certificate. The server is always verified. HUP reads the certificates again; TERM finishes open\n"
                 "requests and stops. Keys without a flag need a configuration file; --print writes one to start with.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example:\n  mtlsd client --listen 127.0.0.1:8080 --upstream https://api.partner.example --bundle payments.pem --ca ca.pem\n"
                 "  curl http://127.0.0.1:8080/",
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? run(quick_config_client, &q, print) : code;
}

int cmd_server(int argc, char **argv)
{
    struct quick_config q = {0};
    bool print = false;
    const struct flag table[] = {
        {.name = "--listen", .kind = FLAG_TEXT, .required = true, .target = &q.listen, .value = "ADDR",
         .help = "address for clients, with TLS; :8443 listens on every interface"},
        {.name = "--backend", .kind = FLAG_TEXT, .required = true, .target = &q.target, .value = "ADDR",
         .help = "backend to connect to, in plaintext: 127.0.0.1:9000 or unix:/run/x.sock"},
        {.name = "--bundle", .kind = FLAG_TEXT, .required = true, .target = &q.bundle, .value = "PEM",
         .help = "certificate, chain and key to present, in one file with mode 0600"},
        {.name = "--ca", .kind = FLAG_TEXT, .required = true, .target = &q.ca, .value = "PEM",
         .help = "CA of the clients' certificates"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &q.crl, .value = "FILE", .help = "revocation list of this CA (may be repeated)"},
        {.name = "--allow", .kind = FLAG_LIST, .target = &q.allow, .value = "RULE",
         .help = "clients to accept, as in cn=payments or ou=ops,dns=*.ops.example (may be\nrepeated); one rule must match, with all its keys "
                 "(default: every\nverified client)"},
        {.name = "--identity-headers", .kind = FLAG_LIST, .target = &q.identity_headers, .value = "PRESET",
         .help = "headers that tell the backend the client's identity: rfc9440, x-ssl, nginx\nor xfcc (may be repeated)"},
        {.name = "--tcp", .kind = FLAG_SWITCH, .target = &q.tcp, .help = "forward bytes unchanged, not HTTP requests"},
        {.name = "--admin", .kind = FLAG_TEXT, .target = &q.admin, .value = "unix:PATH", .help = "admin socket for mtlsd status, reload and drain"},
        {.name = "--log-level", .kind = FLAG_TEXT, .target = &q.log_level, .value = "LEVEL", .help = "log level: error, warn, info (default) or debug"},
        {.name = "--print", .kind = FLAG_SWITCH, .target = &print, .help = "print the equivalent configuration file and exit"},
    };
    const struct flags flags = {
        .command = "mtlsd server",
        .usage = "--listen ADDR --backend ADDR --bundle PEM --ca PEM [--allow RULE]... [--tcp]",
        .about = "Runs a verifier without a configuration file: only clients with a certificate of this CA reach the backend, which\n"
                 "receives plaintext. HUP reads the certificates again; TERM finishes open requests and stops. Keys without a flag\n"
                 "need a configuration file; --print writes one to start with.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example:\n  mtlsd server --listen :8443 --backend 127.0.0.1:9000 --bundle web.pem --ca ca.pem --allow ou=billing",
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? run(quick_config_server, &q, print) : code;
}
