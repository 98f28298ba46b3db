/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "flags.h"
#include "mtlsd/base/pin.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/units.h"
#include "load.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/policy/allow.h"
#include "time_arg.h"
#include "verify.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_DEPTH = 8, MAX_DEPTH = 16, DEFAULT_RSA_BITS = 2048, MAX_RSA_BITS = 16384 };

struct verify_flags {
    struct flag_list ca, crl, names, pins, allow;
    const char *config, *listener;
    const char *purpose, *at, *spiffe_domain, *crl_policy, *crl_grace;
    uint64_t depth, min_rsa_bits;
    bool no_purpose, json;
};

/* Which flags go together: the rules come from files or from a configuration. */
static int check_sources(const struct verify_flags *a, struct err *err)
{
    bool by_config = a->listener != NULL || a->config != NULL;
    bool by_files = a->ca.n + a->crl.n + a->pins.n + a->allow.n > 0 || a->purpose != NULL || a->spiffe_domain != NULL || a->crl_policy != NULL ||
                    a->crl_grace != NULL || a->depth != 0 || a->min_rsa_bits != 0 || a->no_purpose;
    if (by_config && (by_files || a->names.n > 0))
        return err_set(err, ERR_USAGE, "with --config and --listener all rules are those of the listener: leave the other flags out (--at and --json may stay)");
    if (!by_config && a->ca.n == 0)
        return err_set(err, ERR_USAGE, "--ca FILE is missing (or --config FILE --listener NAME, to verify like a listener)");
    if (!by_config && a->purpose == NULL)
        return err_set(err, ERR_USAGE, "--purpose client|server is missing");
    if (a->crl.n == 0 && (a->crl_policy != NULL || a->crl_grace != NULL))
        return by_config ? 0 : err_set(err, ERR_USAGE, "--crl-policy and --crl-grace need a --crl");
    return 0;
}

static int check_bounds(const struct verify_flags *a, struct err *err)
{
    unsigned char pin[PIN_SIZE];
    for (size_t i = 0; i < a->pins.n; i++)
        if (pin_parse(a->pins.items[i], pin, NULL) != 0)
            return err_set(err, ERR_USAGE, "--pin: \"%.80s\" is not a SHA-256 as 64 hexadecimal digits or 44 characters of base64", a->pins.items[i]);
    if (a->spiffe_domain != NULL && !spiffe_is_domain(span_from_str(a->spiffe_domain)))
        return err_set(err, ERR_USAGE, "--spiffe-domain: \"%.80s\" is not the name of a trust domain, as example.org is", a->spiffe_domain);
    if (a->depth > MAX_DEPTH)
        return err_set(err, ERR_USAGE, "--depth is at most %d", MAX_DEPTH);
    if (a->min_rsa_bits != 0 && (a->min_rsa_bits < DEFAULT_RSA_BITS || a->min_rsa_bits > MAX_RSA_BITS))
        return err_set(err, ERR_USAGE, "--min-rsa-bits is from %d to %d", DEFAULT_RSA_BITS, MAX_RSA_BITS);
    return 0;
}

static int read_crl_rules(const struct verify_flags *a, struct tls_trust_spec *spec, struct err *err)
{
    struct err why = {0};
    uint64_t grace_ms = 0;
    const char *policy = a->crl_policy != NULL ? a->crl_policy : "require";
    if (strcmp(policy, "require") != 0 && strcmp(policy, "prefer") != 0)
        return err_set(err, ERR_USAGE, "--crl-policy is require or prefer, not \"%.80s\"", policy);
    if (a->crl_grace != NULL && units_duration_ms(a->crl_grace, &grace_ms, &why) != 0)
        return err_set(err, ERR_USAGE, "--crl-grace: %s", why.text);
    spec->crl_required = a->crl.n > 0 && strcmp(policy, "require") == 0;
    spec->crl_grace = (int64_t)(grace_ms / 1000);
    return 0;
}

static int read_question(const struct verify_flags *a, struct tls_question *q, struct err *err)
{
    *q = (struct tls_question){.names = a->names.items, .n_names = a->names.n, .now = clock_now(), .purpose = TLS_PURPOSE_CLIENT};
    if (a->purpose != NULL && strcmp(a->purpose, "server") == 0)
        q->purpose = TLS_PURPOSE_SERVER;
    else if (a->purpose != NULL && strcmp(a->purpose, "client") != 0)
        return err_set(err, ERR_USAGE, "--purpose is client or server, not \"%s\"", a->purpose);
    return a->at != NULL ? time_arg_parse(a->at, &q->now, err) : 0;
}

static void print_notes(const struct findings *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        if (notes->items[i].level != FINDING_NOTE)
            fprintf(stderr, "mtlsd verify: %s%s%s\n", notes->items[i].where, notes->items[i].where[0] != '\0' ? ": " : "",
                    notes->items[i].text);
}

static int show(const struct verify_answer *answer, bool json, struct err *err)
{
    if (page_show(verify_sheet_document(answer), json, verify_sheet_print) != 0)
        err_set(err, ERR_MEMORY, "out of memory");
    return answer->verdict.status == REASON_VALID ? COMMAND_FINE : COMMAND_REFUSAL;
}

static struct tls_peer *peer_of(const struct tls_chain *chain, const struct tls_question *question, struct err *err)
{
    struct tls_verdict verdict;
    struct tls_path path;
    struct tls_peer *peer = tls_peer_new(chain->ders[0], err);
    tls_judge_path(question, chain->ders, chain->n, &verdict, &path);
    if (peer != NULL)
        tls_peer_set_path(peer, path.ders, path.n, path.by_anchor);
    return peer;
}

/* Whether one of the --allow rules lets a valid certificate pass. */
static int ask_rules(const struct verify_flags *a, struct verify_answer *answer, struct err *err)
{
    struct tls_peer *peer = a->allow.n > 0 && answer->verdict.status == REASON_VALID ? peer_of(&answer->chain, &answer->question, err) : NULL;
    char rule_text[200], why[480];
    bool permitted = peer == NULL;
    for (size_t i = 0; i < a->allow.n && err->kind == ERR_NONE; i++) {
        struct config_allow rule;
        struct err wrong = {0};
        if (allow_rule_parse(a->allow.items[i], &rule, &wrong) != 0) {
            err_set(err, ERR_USAGE, "--allow \"%.80s\": %s", a->allow.items[i], wrong.text);
            break;
        }
        permitted = permitted || allow_permits(&rule, 1, &answer->verdict, peer);
        if (!permitted && i == 0) {
            allow_rule_describe(&rule, rule_text, sizeof(rule_text));
            const char *more = allow_why_not(&rule, peer);
            snprintf(why, sizeof(why), "no --allow rule matches: in %s the key %s does not match%s%s", rule_text, allow_first_miss(&rule, peer),
                     more != NULL ? ": " : "", more != NULL ? more : "");
        }
        allow_rule_clear(&rule);
    }
    if (!permitted && err->kind == ERR_NONE)
        verify_not_allowed(answer, why);
    tls_peer_free(peer);
    return err->kind == ERR_NONE ? 0 : -1;
}

static int answer_by_files(const struct verify_flags *a, const char *file, struct verify_answer *answer, struct err *err)
{
    struct findings notes;
    struct tls_trust_spec spec = {.name = "--ca", .depth = a->depth != 0 ? (unsigned)a->depth : DEFAULT_DEPTH,
                                  .min_rsa_bits = a->min_rsa_bits != 0 ? (unsigned)a->min_rsa_bits : DEFAULT_RSA_BITS,
                                  .purpose_may_be_absent = a->no_purpose, .pins = a->pins.items, .n_pins = a->pins.n, .spiffe_domain = a->spiffe_domain};
    int code = COMMAND_REFUSED;
    if (read_crl_rules(a, &spec, err) != 0)
        return code;
    findings_init(&notes);
    struct tls_trust *trust = verify_trust_load(&spec, &a->ca, &a->crl, answer->question.now, &notes, err);
    print_notes(&notes);
    if (trust != NULL && load_chain(file, &answer->chain, err) == 0) {
        answer->question.trust = trust;
        tls_judge_in_detail(&answer->question, answer->chain.ders, answer->chain.n, &answer->verdict, &answer->details);
        if (ask_rules(a, answer, err) == 0)
            code = show(answer, a->json, err);
    }
    tls_trust_unref(trust);
    findings_clear(&notes);
    return code;
}

static int answer_by_config(const struct verify_flags *a, const char *file, struct verify_answer *answer, struct err *err)
{
    int code = COMMAND_REFUSED;
    struct snapshot *s = load_snapshot_or_say(a->config != NULL ? a->config : COMMAND_CONFIG_PATH, answer->question.now);
    if (s == NULL)
        return code;
    if (load_chain(file, &answer->chain, err) == 0 && verify_by_listener(s, a->listener, answer, err) == 0)
        code = show(answer, a->json, err);
    snapshot_unref(s);
    return code;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_flags a = {0};
    const struct flag table[] = {
        {.name = "--ca", .kind = FLAG_LIST, .target = &a.ca, .value = "FILE",
         .help = "CAs to trust: a PEM file, a folder of PEM files, or \"system\"\n(may be repeated)"},
        {.name = "--purpose", .kind = FLAG_TEXT, .target = &a.purpose, .value = "client|server",
         .help = "use of the certificate"},
        {.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &a.config, .value = "FILE",
         .help = "verify like a listener of this configuration, instead of with --ca\nand --purpose (default: " COMMAND_CONFIG_PATH ")"},
        {.name = "--listener", .kind = FLAG_TEXT, .target = &a.listener, .value = "NAME",
         .help = "listener; needed if several request a certificate"},
        {.name = "--crl", .kind = FLAG_LIST, .target = &a.crl, .value = "FILE",
         .help = "revocation list, PEM or DER (may be repeated); with this flag every\nissuer in the chain needs a current list"},
        {.name = "--crl-policy", .kind = FLAG_TEXT, .target = &a.crl_policy, .value = "require|prefer",
         .help = "with prefer, a missing or outdated list is no fault (default: require)"},
        {.name = "--crl-grace", .kind = FLAG_TEXT, .target = &a.crl_grace, .value = "DURATION",
         .help = "how long to use a list after its nextUpdate, as in 2d (default: 0s)"},
        {.name = "--allow", .kind = FLAG_LIST, .target = &a.allow, .value = "RULE",
         .help = "allow rule, as in cn=payments or ou=ops,dns=*.ops.example\n(may be repeated: one must match)"},
        {.name = "--name", .kind = FLAG_LIST, .target = &a.names, .value = "NAME",
         .help = "name that the certificate must have: host, IP address or URI\n(may be repeated: one must match)"},
        {.name = "--pin", .kind = FLAG_LIST, .target = &a.pins, .value = "SHA256",
         .help = "SHA-256 of a public key, hex or base64, that a certificate of the\nverified path must have (may be repeated: one must match)"},
        {.name = "--spiffe-domain", .kind = FLAG_TEXT, .target = &a.spiffe_domain, .value = "DOMAIN",
         .help = "require exactly one URI: a SPIFFE ID of this trust domain"},
        {.name = "--depth", .kind = FLAG_NUMBER, .target = &a.depth, .value = "N",
         .help = "most certificates in a chain, trusted CA included (default: 8)"},
        {.name = "--min-rsa-bits", .kind = FLAG_NUMBER, .target = &a.min_rsa_bits, .value = "N",
         .help = "smallest RSA key to accept (default: 2048)"},
        {.name = "--insecure-no-purpose", .kind = FLAG_SWITCH, .target = &a.no_purpose,
         .help = "accept certificates without extendedKeyUsage"},
        {.name = "--at", .kind = FLAG_TEXT, .target = &a.at, .value = "TIME",
         .help = "time of the check: 2026-01-31T23:59:59Z (or +05:30), 2026-01-31\nor @SECONDS (default: now)"},
        {.name = "--json", .kind = FLAG_SWITCH, .target = &a.json, .help = "print JSON, with times in seconds since 1970"},
    };
    const struct flags flags = {
        .command = "mtlsd verify",
        .usage = "(--ca FILE --purpose client|server [RULES] | -c FILE [--listener NAME]) [--at TIME] [--json] CHAIN.pem",
        .about = "Verifies a certificate as the daemon would in a handshake: chain, dates, purpose, names, strength, size, revocation and\n"
                 "allow rules. CHAIN.pem has the leaf first, then the other certificates that the peer would send, in any order. All\n"
                 "faults are listed, the worst first.\n"
                 "Exit code 0: valid and allowed. 4: not valid or not allowed. 3: a file cannot be used. 2: the command line is wrong.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "CHAIN.pem",
        .after = "Examples:\n  mtlsd verify --ca pki/ca.pem --crl pki/crl.pem --purpose client pki/payments.crt\n"
                 "  mtlsd verify --ca system --purpose server --name example.org --json chain.pem\n"
                 "  mtlsd verify -c mtlsd.conf --listener public alice.pem",
    };
    const char *file;
    struct verify_answer answer = {.question = {.now = 0}};
    struct err err = {0};
    int code;
    if (!flags_read_one(&flags, argc, argv, &file, &code))
        return code;
    if (check_sources(&a, &err) != 0 || read_question(&a, &answer.question, &err) != 0 || check_bounds(&a, &err) != 0)
        return command_fail_err(&err);
    code = a.ca.n > 0 ? answer_by_files(&a, file, &answer, &err) : answer_by_config(&a, file, &answer, &err);
    tls_chain_clear(&answer.chain);
    if (err.kind == ERR_NONE)
        return code;
    return err.kind == ERR_USAGE ? command_fail_err(&err) : command_fail(COMMAND_REFUSED, "%s", err.text);
}
