/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "quick_run.h"

int cmd_client(int argc, char **argv)
{
    struct quick_config q = {0};
    bool print = false;
    const struct flag table[] = {
        {.name = "--listen", .kind = FLAG_TEXT, .required = true, .target = &q.listen, .value = "ADDR",
         .help = "where the program connects to, in plaintext:\n127.0.0.1:8080, [::1]:8080 or unix:/run/x.sock"},
        {.name = "--upstream", .kind = FLAG_TEXT, .required = true, .target = &q.target, .value = "https://HOST[:PORT]",
         .help = "the server to reach with mutual TLS (port 443)"},
        {.name = "--bundle", .kind = FLAG_TEXT, .required = true, .target = &q.bundle, .value = "PEM",
         .help = "our certificate, its chain and its key in one file, mode 0600"},
        {.name = "--ca", .kind = FLAG_TEXT, .target = &q.ca, .value = "PEM",
         .help = "the CA that issued the server's certificate\n(default: the system's CAs)"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &q.crl, .value = "FILE", .help = "its revocation list (may be repeated)"},
        {.name = "--server-name", .kind = FLAG_TEXT, .target = &q.server_name, .value = "NAME",
         .help = "the name the server's certificate must hold (default: HOST)"},
        {.name = "--tcp", .kind = FLAG_SWITCH, .target = &q.tcp, .help = "pass bytes as they are, not HTTP requests"},
        {.name = "--insecure-expose", .kind = FLAG_SWITCH, .target = &q.insecure_expose,
         .help = "let other hosts use our certificate: listen beyond loopback"},
        {.name = "--host", .kind = FLAG_LIST, .target = &q.hosts, .value = "NAME[:PORT]",
         .help = "a name that programs may call it by, beside localhost and the address of\n--listen (may be repeated)"},
        {.name = "--admin", .kind = FLAG_TEXT, .target = &q.admin, .value = "unix:PATH", .help = "socket for mtlsd status, reload and drain"},
        {.name = "--log-level", .kind = FLAG_TEXT, .target = &q.log_level, .value = "LEVEL", .help = "error, warn, info (default) or debug"},
        {.name = "--print", .kind = FLAG_SWITCH, .target = &print, .help = "print the same as a configuration file, and exit"},
    };
    const struct flags flags = {
        .command = "mtlsd client",
        .usage = "--listen ADDR --upstream https://HOST[:PORT] --bundle PEM [--ca PEM] [--tcp]",
        .about = "Attaches a client certificate for a program that speaks plaintext to localhost: no configuration file needed.\n"
                 "The server is always verified. HUP reads the certificates again, TERM finishes what runs and ends. A key that a message\n"
                 "names and that has no flag goes into a configuration file: --print writes one to begin with.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example:\n  mtlsd client --listen 127.0.0.1:8080 --upstream https://api.partner.example --bundle payments.pem --ca ca.pem\n"
                 "  curl http://127.0.0.1:8080/",
    };
    int code;
    return flags_read(&flags, argc, argv, NULL, &code) ? quick_run(quick_config_client, &q, print) : code;
}
