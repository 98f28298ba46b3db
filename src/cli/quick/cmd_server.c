/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "quick.h"

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
    return flags_read(&flags, argc, argv, NULL, &code) ? quick_run(quick_config_server, &q, print) : code;
}
