/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "quick_run.h"

int cmd_server(int argc, char **argv)
{
    struct quick_config q = {0};
    bool print = false;
    const struct flag table[] = {
        {.name = "--listen", .kind = FLAG_TEXT, .required = true, .target = &q.listen, .value = "ADDR",
         .help = "where callers connect to, with TLS: :8443 is every interface"},
        {.name = "--backend", .kind = FLAG_TEXT, .required = true, .target = &q.target, .value = "ADDR",
         .help = "the program behind, in plaintext: 127.0.0.1:9000 or unix:/run/x.sock"},
        {.name = "--bundle", .kind = FLAG_TEXT, .required = true, .target = &q.bundle, .value = "PEM",
         .help = "our certificate, its chain and its key in one file, mode 0600"},
        {.name = "--ca", .kind = FLAG_TEXT, .required = true, .target = &q.ca, .value = "PEM",
         .help = "the CA that issued the callers' certificates"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &q.crl, .value = "FILE", .help = "its revocation list (may be repeated)"},
        {.name = "--allow", .kind = FLAG_LIST, .target = &q.allow, .value = "RULE",
         .help = "who may pass, e.g. cn=payments or ou=ops,dns=*.ops.example: all of one\nrule must hold, any rule is enough "
                 "(default: every verified caller)"},
        {.name = "--identity-headers", .kind = FLAG_LIST, .target = &q.identity_headers, .value = "PRESET",
         .help = "tell the program who called: rfc9440, x-ssl, nginx or xfcc (may be repeated)"},
        {.name = "--tcp", .kind = FLAG_SWITCH, .target = &q.tcp, .help = "pass bytes as they are, not HTTP requests"},
        {.name = "--admin", .kind = FLAG_TEXT, .target = &q.admin, .value = "unix:PATH", .help = "socket for mtlsd status, reload and drain"},
        {.name = "--log-level", .kind = FLAG_TEXT, .target = &q.log_level, .value = "LEVEL", .help = "error, warn, info (default) or debug"},
        {.name = "--print", .kind = FLAG_SWITCH, .target = &print, .help = "print the same as a configuration file, and exit"},
    };
    const struct flags flags = {
        .command = "mtlsd server",
        .usage = "--listen ADDR --backend ADDR --bundle PEM --ca PEM [--allow RULE]... [--tcp]",
        .about = "Lets in only callers with a certificate of this CA, for a program that speaks plaintext: no configuration file\n"
                 "needed. HUP reads the certificates again, TERM finishes what runs and ends. A key that a message names and that\n"
                 "has no flag goes into a configuration file: --print writes one to begin with.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example:\n  mtlsd server --listen :8443 --backend 127.0.0.1:9000 --bundle web.pem --ca ca.pem --allow ou=billing",
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? quick_run(quick_config_server, &q, print) : code;
}
