/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_engine.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"run", cmd_run, "run a configuration in the foreground"},
    {"client", cmd_client, "run an injector for one program, without a configuration file"},
    {"server", cmd_server, "run a verifier for one backend, without a configuration file"},
    {"wrap", cmd_wrap, "run a configuration and a program that needs it"},
    {"check", cmd_check, "check the configuration and all files that run would load"},
    {"status", cmd_status, "print the state of a running daemon and its last refusals"},
    {"top", cmd_top, "show a running daemon in the terminal, second by second"},
    {"probe", cmd_probe, "ask a running daemon whether it is ready, for probes of containers"},
    {"reload", cmd_reload, "make a running daemon load configuration and certificates again"},
    {"drain", cmd_drain, "make a running daemon finish open requests and exit"},
    {"renew", cmd_renew, "make a running daemon renew a certificate now"},
    {"target", cmd_target, "drain, disable or enable a target of a running daemon, or change its weight"},
    {"explain", cmd_explain, "print which line decides about a request or a certificate"},
    {"verify", cmd_verify, "verify certificate files as the daemon would"},
    {"demo", cmd_demo, "run the whole chain on loopback with throw-away certificates"},
    {"drill", cmd_drill, "test a listener with good and bad client certificates"},
    {"pki", cmd_pki, "create certificates for development, also bad ones for tests"},
    {"registry", cmd_registry, "list in a database which certificates are accepted"},
    {"import", cmd_import, "translate a configuration of HAProxy, nginx, Apache, stunnel or ghostunnel"},
};

/* Names that other programs use for our commands. */
static const char *other_word(const char *word)
{
    static const struct {
        const char *word, *here;
    } words[] = {
        {"start", "mtlsd run -c FILE"},  {"serve", "mtlsd run -c FILE"},   {"daemon", "mtlsd run -c FILE"},     {"stop", "mtlsd drain"},
        {"quit", "mtlsd drain"},         {"restart", "mtlsd reload"},      {"test", "mtlsd check -c FILE"},     {"configtest", "mtlsd check -c FILE"},
        {"validate", "mtlsd check -c FILE"}, {"version", "mtlsd --version"},   {"-v", "mtlsd --version"},           {"-t", "mtlsd check -c FILE"},
        {"-c", "mtlsd run -c FILE"},     {"-f", "mtlsd run -c FILE"},      {"--config", "mtlsd run --config FILE"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].here;
    return NULL;
}

static const struct command_group top = {
    .prefix = "mtlsd",
    .before = "mtlsd adds mutual TLS to programs that speak plaintext. An injector presents a client certificate to a server;\n"
              "a verifier checks client certificates in front of a backend.",
    .after = "\"mtlsd COMMAND --help\" describes a command. \"mtlsd --version\" lists the libraries.\n"
             "Exit codes: 0 success, 1 failure, 2 wrong command line, 3 configuration or credential refused, 4 refusal found.",
    .instead = other_word,
    .table = commands,
    .n = sizeof(commands) / sizeof(commands[0]),
};

int command_main(int argc, char **argv)
{
    int rc;
    struct err err = {0};
    if (tls_library_start(&err) != 0)
        return command_fail_err(&err);
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        version_print();
        rc = COMMAND_FINE;
    } else {
        rc = command_dispatch(&top, argc, argv);
    }
    if (rc == COMMAND_FINE && (fflush(stdout) != 0 || ferror(stdout)))
        return command_fail(COMMAND_FAILED, "cannot write to standard output");
    return rc;
}
