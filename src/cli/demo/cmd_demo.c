/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "demo.h"
#include "flags.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/io/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { READY_MS = 8000, STOP_MS = 4000, CONFIG_MAX = 64 * 1024 };

/* ---- what is there before anything runs ---- */

static int prepare_backends(struct demo *d, struct err *err)
{
    const struct demo_peer *http = demo_add_peer(d, DEMO_PEER_HTTP, NULL, err), *echo = demo_add_peer(d, DEMO_PEER_ECHO, NULL, err);
    if (http == NULL || echo == NULL)
        return -1;
    d->backend_http = http->port;
    d->backend_tcp = echo->port;
    uint16_t *const ports[] = {&d->verifier_http, &d->verifier_tcp, &d->app_http, &d->app_tcp};
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if ((*ports[i] = demo_take_port(d, err)) == 0)
            return -1;
    return 0;
}

static int prepare_identities(struct demo *d, struct err *err)
{
    static const char *const sans[] = {"dns:" DEMO_SERVER_NAME};
    struct tls_pki_order order = {.cn = DEMO_SERVER_NAME, .sans = sans, .n_sans = 1, .purpose = TLS_PURPOSE_SERVER};
    struct tls_identity *server = demo_pki_issue(&d->pki, &order, "server", err);
    struct tls_identity *app = server != NULL ? demo_pki_client(&d->pki, TLS_PKI_GOOD, "demo", "app", err) : NULL;
    tls_identity_unref(server);
    tls_identity_unref(app);
    return app != NULL ? 0 : -1;
}

static int prepare(struct demo *d, struct err *err)
{
    demo_body_init(&d->body);
    if (demo_pki_init(&d->pki, d->folder, err) != 0 || prepare_backends(d, err) != 0 || prepare_identities(d, err) != 0 ||
        demo_callers_prepare(d, err) != 0 || demo_servers_prepare(d, err) != 0)
        return -1;
    d->peers_pid = demo_peers_start(d->peers, d->n_peers, err);
    return d->peers_pid > 0 ? 0 : -1;
}

/* ---- the two daemons ---- */

static void write_verifier(const struct demo *d, struct bytes *out)
{
    static const char tls[] = "tls = { identity = \"server\"; trust = \"clients\"; }; allow = ( { ou = \"demo\"; } );";
    bytes_append_str(out, "# The verifier: clients must present a certificate of our CA; the backends get plaintext and the client's identity.\n");
    bytes_printf(out, "workers = 1; drain_timeout = \"2s\"; admin = { socket = \"unix:%s/verifier.sock\"; };\n", d->folder);
    bytes_append_str(out, "identities = { server = { bundle = \"server.pem\"; }; };\ntrusts = { clients = { ca = \"ca.pem\"; crl = [ \"ca.crl\" ]; }; };\n");
    bytes_printf(out, "upstreams = { web = { targets = [ \"127.0.0.1:%u\" ]; }; echo = { targets = [ \"127.0.0.1:%u\" ]; }; };\n", d->backend_http,
                 d->backend_tcp);
    bytes_printf(out, "listeners = {\n  web = { bind = \"127.0.0.1:%u\"; upstream = \"web\"; identity_headers = [ \"rfc9440\", \"x-ssl\" ];\n    %s };\n",
                 d->verifier_http, tls);
    bytes_printf(out, "  echo = { bind = \"127.0.0.1:%u\"; upstream = \"echo\"; protocol = \"tcp\";\n    %s };\n};\n", d->verifier_tcp, tls);
}

static void write_injector(const struct demo *d, struct bytes *out)
{
    static const char tls[] = "tls = { identity = \"app\"; trust = \"servers\"; server_name = \"" DEMO_SERVER_NAME "\"; };";
    bytes_append_str(out, "# The injector: the app sends plaintext to loopback; mtlsd presents our certificate and verifies the server.\n");
    bytes_printf(out, "workers = 1; drain_timeout = \"2s\"; admin = { socket = \"unix:%s/injector.sock\"; };\n", d->folder);
    bytes_append_str(out, "identities = { app = { bundle = \"app.pem\"; }; };\ntrusts = { servers = { ca = \"ca.pem\"; crl = [ \"ca.crl\" ]; }; };\n");
    bytes_printf(out, "upstreams = {\n  web = { targets = [ \"127.0.0.1:%u\" ]; %s };\n  echo = { targets = [ \"127.0.0.1:%u\" ]; %s };\n", d->verifier_http, tls,
                 d->verifier_tcp, tls);
    demo_servers_write_upstreams(d, out);
    bytes_printf(out, "};\nlisteners = {\n  web = { bind = \"127.0.0.1:%u\"; upstream = \"web\"; };\n", d->app_http);
    bytes_printf(out, "  echo = { bind = \"127.0.0.1:%u\"; upstream = \"echo\"; protocol = \"tcp\"; };\n", d->app_tcp);
    demo_servers_write_listeners(d, out);
    bytes_append_str(out, "};\n");
}

static int start_one(struct demo *d, struct demo_process *p, const char *name, void (*write)(const struct demo *, struct bytes *), struct err *err)
{
    struct bytes config;
    bytes_init(&config, CONFIG_MAX);
    write(d, &config);
    int rc = !config.failed ? demo_process_start(p, d->folder, name, bytes_span(&config), err) : err_set(err, ERR_MEMORY, "out of memory");
    bytes_clear(&config);
    return rc;
}

static int start(struct demo *d, struct err *err)
{
    if (start_one(d, &d->verifier, "verifier", write_verifier, err) != 0 || start_one(d, &d->injector, "injector", write_injector, err) != 0)
        return -1;
    return demo_process_ready(&d->verifier, READY_MS, err) == 0 ? demo_process_ready(&d->injector, READY_MS, err) : -1;
}

/* ---- the show ---- */

static void show_picture(const struct demo *d)
{
    printf("The whole mutual TLS chain on this machine, with throw-away certificates.\n\n"
           "     app ---plaintext---> injector ===mutual TLS===> verifier ---plaintext---> backend\n"
           "                          :%-5u                     :%-5u                    :%u\n"
           "                          attaches the app's         verifies the client,\n"
           "                          certificate, verifies      tells the backend\n"
           "                          the server                 its identity\n",
           (unsigned)d->app_http, (unsigned)d->verifier_http, (unsigned)d->backend_http);
    fflush(stdout);
}

static void show_end(struct demo *d)
{
    struct demo_process *const both[] = {&d->injector, &d->verifier};
    demo_show_section(&d->show, "4. The end", NULL);
    for (size_t i = 0; i < 2; i++) {
        double began = probe_seconds();
        const char *name = both[i]->name;
        int code = demo_process_stop(both[i], STOP_MS);
        demo_show_row(&d->show, code == 0, "the %s, told to stop: finished its requests, exit code %d, %.0f ms", name, code,
                      (probe_seconds() - began) * 1000);
    }
}

static int perform(struct demo *d)
{
    static void (*const parts[])(struct demo *) = {demo_chain_show, demo_callers_show, demo_servers_show, show_end};
    struct err err = {0};
    if (prepare(d, &err) != 0 || start(d, &err) != 0)
        return command_fail(COMMAND_FAILED, "demo: %s", err.text);
    show_picture(d);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!demo_interrupted(d))
            parts[i](d);
    }
    if (demo_interrupted(d))
        return command_fail(COMMAND_FAILED, "demo: interrupted");
    return demo_show_end(&d->show) ? COMMAND_FINE : COMMAND_FAILED;
}

static void show_kept(const struct demo *d)
{
    printf("\nEverything is kept in %s. By hand, each in its own terminal:\n"
           "  python3 -m http.server --bind 127.0.0.1 %u\n"
           "  mtlsd run -c %s\n"
           "  mtlsd run -c %s\n"
           "  curl http://127.0.0.1:%u/\n"
           "  mtlsd verify --ca %s/ca.pem --purpose client %s/caller-expired.pem\n",
           d->folder, (unsigned)d->backend_http, d->verifier.config, d->injector.config, (unsigned)d->app_http, d->folder, d->folder);
}

static void clean_up(struct demo *d)
{
    demo_process_stop(&d->injector, STOP_MS);
    demo_process_stop(&d->verifier, STOP_MS);
    demo_process_kill(d->peers_pid);
    for (size_t i = 0; i < d->n_peers; i++)
        demo_peer_close(&d->peers[i]);
    for (size_t i = 0; i < d->n_reserved; i++)
        probe_release(d->reserved[i]);
    for (size_t i = 0; i < d->n_callers; i++)
        tls_identity_unref(d->callers[i].identity);
    demo_pki_clear(&d->pki);
}

static int run_demo(struct demo *d, bool keep)
{
    sigset_t before;
    struct err err = {0};
    sigemptyset(&d->signals);
    sigaddset(&d->signals, SIGINT);
    sigaddset(&d->signals, SIGTERM);
    sigaddset(&d->signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &d->signals, &before);
    signal(SIGPIPE, SIG_IGN); /* the reader is gone: the folder is still removed */
    demo_show_begin(&d->show);
    if (scratch_make("mtlsd-demo-", d->folder, sizeof(d->folder), &err) != 0)
        return command_fail(COMMAND_FAILED, "demo: %s", err.text);
    int code = perform(d);
    clean_up(d);
    if (keep)
        show_kept(d);
    else if (scratch_remove(d->folder, &err) != 0)
        code = command_fail(COMMAND_FAILED, "demo: %s", err.text);
    else if (code != COMMAND_FINE)
        command_fail(code, "demo: \"mtlsd demo --keep\" keeps the logs and configurations to look at");
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

int cmd_demo(int argc, char **argv)
{
    bool keep = false;
    const struct flag table[] = {
        {.name = "--keep", .kind = FLAG_SWITCH, .target = &keep, .help = "keep the folder, and print how to run the daemons by hand"},
    };
    const struct flags flags = {
        .command = "mtlsd demo",
        .usage = "[--keep]",
        .about = "Runs an app, an injector, a verifier and a backend on loopback, with throw-away certificates. Requests and large\n"
                 "bodies pass in both directions. Then each kind of bad certificate is presented and refused, with its reason.\n"
                 "Needs no network, no files and no special rights. Exit code 0: everything behaved as expected.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .after = "Example: mtlsd demo --keep",
    };
    int code;
    if (!flags_read(&flags, argc, argv, NULL, &code))
        return code;
    struct demo *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return command_fail(COMMAND_FAILED, "out of memory");
    code = run_demo(d, keep);
    free(d);
    return code;
}
