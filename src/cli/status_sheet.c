/* SPDX-License-Identifier: Apache-2.0 */
#include "status_sheet.h"
#include "page.h"

#include <string.h>

enum { SHOWN = 10 };

#define COLUMNS(list) (list), sizeof(list) / sizeof((list)[0])

static void print_duration(struct page *p, long long s)
{
    long long days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;
    if (days > 0)
        page_printf(p, "%lldd %lldh", days, hours);
    else if (hours > 0)
        page_printf(p, "%lldh %lldm", hours, minutes);
    else if (minutes > 0)
        page_printf(p, "%lldm %llds", minutes, s % 60);
    else
        page_printf(p, "%llds", s);
}

static void print_instance(struct page *p, const json_t *status)
{
    page_put(p, status, "mtlsd {version|?}: [{?ready}ready][{!ready}{readiness|not ready}], up ");
    print_duration(p, document_number(status, "uptime_seconds"));
    page_put(p, status, ", {workers} worker{workers#}, generation {generation}\n"
                        "[  not ready   {not_ready_because}\n]\n"
                        "  config      {config|(from the command line)}\n"
                        "[{?connections}  connections [{?connections.full}full: ]{connections.open|0} of {connections.most|0} clients, "
                        "{connections.descriptors|0} of {connections.most_descriptors|0} descriptors for clients and upstreams, "
                        "{connections.refused_total|0} refused[{?connections.most_per_client}, at most {connections.most_per_client} of one client address]\n]"
                        "[{?keys.process}  keys        in process {keys.pid}[{!keys.answers}, which does not answer][{?keys.refused}; it refused {keys.refused} requests that mtlsd never sends]\n]"
                        "[{?spiffe}  spiffe      {spiffe.socket}: {spiffe.state} since {spiffe.since|-}, generation {spiffe.generation|0}, last answer {spiffe.last_answer|-}\n"
                        "[              {spiffe.error}\n]]"
                        "  started     {started|-}\n"
                        "[{?sandbox}  sandbox     [{!sandbox.on}off: insecure_no_sandbox][{?sandbox.on}[{?sandbox.landlock}files (Landlock {sandbox.landlock})]"
                        "[{?sandbox.seccomp}[{?sandbox.landlock}, ]system calls]"
                        "[{?sandbox.why}[{?sandbox.landlock}; ][{!sandbox.landlock}[{?sandbox.seccomp}; ]]not in force: {sandbox.why}]]\n]"
                        "[{?keys.sandbox.on}  of keys     [{?keys.sandbox.landlock}files (Landlock {keys.sandbox.landlock})]"
                        "[{?keys.sandbox.seccomp}[{?keys.sandbox.landlock}, ]system calls]"
                        "[{?keys.sandbox.why}[{?keys.sandbox.landlock}; ][{!keys.sandbox.landlock}[{?keys.sandbox.seccomp}; ]]not in force: {keys.sandbox.why}]\n]"
                        "[{?files_polled}  files       are polled, because the system refuses to watch their folders: raise fs.inotify.max_user_watches\n]"
                        "[{?last_reload}  last reload {last_reload.result|?} at {last_reload.time|?}\n[              {last_reload.error}\n]]"
                        "[{?last_handover}  last handover {last_handover.result|?} at {last_handover.time|?}\n[              {last_handover.error}\n]]\n");
}

/* "none 2, expired 1; the last at ..." */
static void print_statuses(struct page *p, const json_t *statuses)
{
    const char *word, *last = "", *between = "";
    json_t *status;
    json_object_foreach((json_t *)(uintptr_t)statuses, word, status)
    {
        const char *seen = document_string(status, "last", "");
        last = strcmp(seen, last) > 0 ? seen : last;
        page_say(p, between);
        page_safe(p, word);
        page_put(p, status, " {connections:,}");
        between = ", ";
    }
    page_say(p, "; the last at ");
    page_safe(p, last);
    page_say(p, ")\n");
}

/* The clients that would be refused if a valid certificate were required, where it is not; then those that rules with allow_log_only would refuse. */
static void print_prospects(struct page *p, const json_t *listener)
{
    const json_t *enforcing = document_get(listener, "enforcing"), *last = document_get(enforcing, "last");
    p->outer = listener;
    if (json_is_object(enforcing))
        page_put(p, enforcing, "  {^name|?}: ready to enforce[{!callers}? no client yet\n][{!would_be_refused}: none of {callers:,} clients would be refused\n]"
                               "[: {would_be_refused:,} of {callers:,} clients would be refused (]");
    if (document_number(enforcing, "would_be_refused") > 0)
        print_statuses(p, document_get(enforcing, "statuses"));
    for (size_t i = 0; i < json_array_size(last); i++) {
        page_say(p, i == 0 ? "    lately: " : "; ");
        page_put(p, json_array_get(last, i), "{who|?}");
    }
    page_say(p, json_array_size(last) > 0 ? "\n" : "");
    page_put(p, listener, "[  {name|?}: allow_log_only: {would_refuse:,} would have been refused by allow\n]");
}

static void print_listeners(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"LISTENER", "{name|?}"},
        {"BIND", "{bind}"},
        {"SPEAKS", "{protocol|?}[{?tls} over TLS]"},
        {"CLIENT CERT", "{client_cert|-}"},
        {"TO", "[{upstream}][{!upstream}{?routes}its routes][{!upstream}{!routes}-]"},
        {">OPEN", "{connections_open:,}"},
        {">CONNS", "{connections_total:,}"},
        {">REQUESTS", "{requests_total:,}"},
        {"REFUSED", "{refused|-}"},
    };
    const json_t *listeners = document_get(status, "listeners");
    page_table(p, COLUMNS(columns));
    page_rows(p, listeners);
    page_table_end(p);
    size_t before = p->out->len;
    for (size_t i = 0; i < json_array_size(listeners); i++)
        print_prospects(p, json_array_get(listeners, i));
    page_each(p, listeners, "[  {name|?}: ends TLS for {intercept.hosts+, } with certificates of {intercept.ca}, which expires in {intercept.days_left} days\n]");
    page_say(p, p->out->len > before ? "\n" : "");
}

/* A table of what is in a list of each object of a list. */
static void print_inner(struct page *p, const json_t *outer, const char *key, const struct page_column *columns, size_t n)
{
    page_table(p, columns, n);
    for (size_t i = 0; i < json_array_size(outer); i++) {
        p->outer = json_array_get(outer, i);
        page_rows(p, document_get(p->outer, key));
    }
    page_table_end(p);
}

static void print_routes(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"ROUTE", "{^name|?} {number}"}, {"WHERE", "{where|-}"}, {"TO", "{to|-}"}, {">HITS", "{hits:,}"}, {">REFUSED", "{refused:,}"},
    };
    print_inner(p, document_get(status, "listeners"), "routes", COLUMNS(columns));
}

static void print_upstreams(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"UPSTREAM", "{name|?}"},
        {"TARGET", "{targets.0.address|?}[{targets>1} and {targets:rest} more]"},
        {"IDENTITY", "[{identity}][{!identity}{?tls}none][{!identity}{!tls}plaintext]"},
        {"TRUST", "{trust|-}"},
        {">CONNECTS", "{connects_total:,}"},
        {">HANDSHAKES", "{handshakes_total:,}"},
        {">RESUMED", "{resumed_total:,}"},
        {"FAILED", "{refused|-}"},
    };
    page_table(p, COLUMNS(columns));
    page_rows(p, document_get(status, "upstreams"));
    page_table_end(p);
    size_t before = p->out->len;
    page_each(p, document_get(status, "upstreams"), "[  {name|?}: {staples_ignored_total:,} stapled OCSP answers were ignored: {staple_ignored|?}\n]");
    page_say(p, p->out->len > before ? "\n" : "");
}

/* Where there are several, and a single one when something is about it. */
static void print_targets(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"TARGET", "{^name|?}/[{route}][{!route}{address|?}]"},
        {"ADDRESS", "{address|?}"},
        {"STATE", "[{state=held}held {held_seconds|0}s][{!state=held}{state|?}[{?backup}, backup]]"},
        {">WEIGHT", "{weight}"},
        {">ACTIVE", "{active:,}"},
        {">REQUESTS", "{requests_total:,}"},
        {">RETRIES", "{retries_total:,}"},
        {">FAILURES", "{failures_total:,}"},
    };
    const json_t *upstreams = document_get(status, "upstreams");
    page_table(p, COLUMNS(columns));
    for (size_t i = 0; i < json_array_size(upstreams); i++) {
        const json_t *targets = document_get(p->outer = json_array_get(upstreams, i), "targets");
        if (json_array_size(targets) > 1 || strcmp(document_string(targets, "0.state", "up"), "up") != 0)
            page_rows(p, targets);
    }
    page_table_end(p);
}

/* Of those that mtlsd renews. */
static void print_renewals(struct page *p, const json_t *identities)
{
    static const struct page_column columns[] = {
        {"RENEWED BY", "{url|?}"},
        {"IDENTITY", "{^name|?}"},
        {"NEXT ATTEMPT", "{next_attempt|never}"},
        {"LAST ATTEMPT", "{last_attempt|none}"},
        {">RENEWED", "{renewed:,}"},
        {">FAILED", "{failed:,}"},
    };
    page_table(p, COLUMNS(columns));
    for (size_t i = 0; i < json_array_size(identities); i++) {
        const json_t *renewal = document_get(p->outer = json_array_get(identities, i), "renewal");
        if (json_is_object(renewal))
            page_row(p, renewal);
    }
    page_table_end(p);
    size_t before = p->out->len;
    page_each(p, identities, "[  {name|?}: the last renewal failed: {renewal.last_error}\n]");
    page_say(p, p->out->len > before ? "\n" : "");
}

static void print_identities(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"IDENTITY", "{name|?}"}, {"SUBJECT", "{subject|?}"}, {"ISSUER", "{issuer|?}"}, {"KEY", "{key|?}"}, {"ENDS", "{not_after|-}"}, {"LEFT", "{days_left:left}"},
    };
    page_table(p, COLUMNS(columns));
    page_rows(p, document_get(status, "identities"));
    page_table_end(p);
    page_each(p, document_get(status, "identities"), "[  {name|?}: FALLBACK: {fallback}\n\n]");
    print_renewals(p, document_get(status, "identities"));
}

/* Then the CAs whose callers are refused for lack of a list, or could be revoked without our knowledge; then the fetched lists. */
static void print_trusts(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"TRUST", "{name|?}"},
        {">CAS", "{cas:,}"},
        {"FIRST CA ENDS IN", "{days_left:left}"},
        {">CRLS", "{crls:,}"},
        {">REVOKED", "{revoked:,}"},
        {"CRL NEXT UPDATE", "{crl_next_update|-}"},
        {"IN", "{crl_days_left:left}"},
    };
    static const struct page_column fetches[] = {
        {"LISTS OF", "{^name|?}"},
        {"FETCHED FROM", "{url|?}"},
        {"IN USE", "{in_use|no}"},
        {"LAST SUCCESS", "{last_success|never}"},
        {"NEXT ATTEMPT", "{next_attempt|now}"},
        {"LAST ERROR", "{last_error|-}"},
    };
    const json_t *trusts = document_get(status, "trusts");
    page_table(p, COLUMNS(columns));
    page_rows(p, trusts);
    page_table_end(p);
    size_t before = p->out->len;
    for (size_t i = 0; i < json_array_size(trusts); i++) {
        p->outer = json_array_get(trusts, i);
        page_each(p, document_get(p->outer, "crl_coverage"),
                  "[{!covered}  {^name|?}: NO revocation list of {ca|?}\n]"
                  "[{?covered}{?stale}  {^name|?}: the revocation list is STALE since {next_update|?}, of {ca|?}\n]");
    }
    page_say(p, p->out->len > before ? "\n" : "");
    print_inner(p, trusts, "crl_fetch", COLUMNS(fetches));
    const json_t *ocsp = document_get(status, "ocsp");
    if (json_is_object(ocsp))
        page_put(p, ocsp, "  OCSP: {answers:,} answers are kept, {waiting:,} questions are open, {failed:,} of {asked:,} had no answer that counts\n"
                          "[        the last at {last_failure}: {error|?}\n]\n");
}

static void print_registries(struct page *p, const json_t *status)
{
    static const struct page_column columns[] = {
        {"REGISTRY", "{name|?}"}, {">ROWS", "{rows:,}"}, {"STATES", "{states|-}"}, {"READ", "{read|never}"}, {"STATE", "[{?usable}in use][{!usable}NOT USABLE]"}, {">SESSIONS LOST", "{sessions.lost|-}"},
        {"LAST ERROR", "[{error}][{!error}{sessions.error|-}]"},
    };
    page_table(p, COLUMNS(columns));
    page_rows(p, document_get(status, "registries"));
    page_table_end(p);
}

static void print_refusals(struct page *p, const json_t *status)
{
    const json_t *all = document_get(status, "refusals");
    size_t n = json_array_size(all);
    page_say(p, n > 0 ? "  LAST REFUSALS\n" : "");
    for (size_t i = 0; i < n && i < SHOWN; i++)
        page_put(p, json_array_get(all, i), "  {time|?}  {listener|-}[ -> {upstream}]  {reason|?}\n"
                                            "[{count>1}      count   {count} times since {first|?}\n]"
                                            "      what    {detail}\n"
                                            "[      peer    {peer_subject}\n]"
                                            "[      ours    {ours.subject}, issued by {ours.issuer}, serial {ours.serial}, until {ours.not_after}\n]"
                                            "[      accepts {ours.accepted_cas}\n]"
                                            "      to do   {hint}\n");
    page_say(p, n > SHOWN ? "  (more with --json)\n" : "");
}

void status_sheet_print(struct page *p, const json_t *status)
{
    print_instance(p, status);
    print_listeners(p, status);
    print_routes(p, status);
    print_upstreams(p, status);
    print_targets(p, status);
    print_identities(p, status);
    print_trusts(p, status);
    print_registries(p, status);
    print_refusals(p, status);
}
