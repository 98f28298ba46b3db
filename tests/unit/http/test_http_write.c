/* SPDX-License-Identifier: Apache-2.0 */
/* Row C1 (identity spoofing) and the re-serialising half of C3: what a head looks like to the other side. */
#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_identity.h"
#include "t.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char identity[] = "X-SSL-Client-CN: real\r\n";

/* Reads raw and writes it for the other side as asked; the caller frees the text. */
static char *rewrite(const char *raw, bool request, struct http_outgoing o)
{
    struct http1 *p = http1_new(request, 65536, 200);
    struct span in = span_from_str(raw), data;
    enum http1_event e = http1_next(p, &in, &data);
    ck_assert_msg(e == HTTP1_HEAD, "%s: %s", raw, http1_detail(p));
    struct bytes out;
    bytes_init(&out, 1 << 20);
    o.head = http1_head(p);
    o.framing = o.head->framing;
    o.length = o.head->length;
    ck_assert_int_eq(http_guard_write_head(&out, &o), 0);
    char *text = span_dup(bytes_span(&out));
    bytes_clear(&out);
    http1_free(p);
    return text;
}

static char *rewrite_with_identity(const char *raw)
{
    return rewrite(raw, true, (struct http_outgoing){.added = span_from_str(identity)});
}

/* How many lines name this field to a backend that folds names as CGI does. */
static unsigned count_folded(const char *text, const char *name)
{
    unsigned n = 0;
    size_t len = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        size_t i = 0;
        while (i < len && line[i] != '\0') {
            char a = (char)toupper((unsigned char)line[i]), b = (char)toupper((unsigned char)name[i]);
            if ((isalnum((unsigned char)a) ? a : '_') != (isalnum((unsigned char)b) ? b : '_'))
                break;
            i++;
        }
        if (i == len && line[i] == ':')
            n++;
        line = strstr(line, "\r\n");
        line = line != NULL ? line + 2 : NULL;
    }
    return n;
}

static const struct {
    const char *why, *field;
} spoofs[] = {
    {"as we write it", "X-SSL-Client-CN: evil"},
    {"lower case", "x-ssl-client-cn: evil"},
    {"upper case", "X-SSL-CLIENT-CN: evil"},
    {"mixed case", "x-SsL-cLiEnT-cN: evil"},
    {"underscores", "X_SSL_Client_CN: evil"},
    {"one underscore, first", "X_SSL-Client-CN: evil"},
    {"one underscore, second", "X-SSL_Client-CN: evil"},
    {"one underscore, last", "X-SSL-Client_CN: evil"},
    {"underscores in lower case", "x_ssl_client_cn: evil"},
    {"dots", "X.SSL.Client.CN: evil"},
    {"one dot", "X-SSL-Client.CN: evil"},
    {"dot and underscore", "X.SSL_Client-CN: evil"},
    {"no space behind the colon", "X-SSL-Client-CN:evil"},
    {"tabs around the value", "X-SSL-Client-CN:\tevil\t"},
    {"empty value", "X-SSL-Client-CN:"},
    {"twice", "X-SSL-Client-CN: evil\r\nX-SSL-Client-CN: evil"},
    {"twice in two spellings", "X-SSL-Client-CN: evil\r\nX_SSL_Client_CN: evil"},
    {"a list", "X-SSL-Client-CN: evil, evil"},
    {"named in Connection", "X-SSL-Client-CN: evil\r\nConnection: X-SSL-Client-CN"},
    {"named in Connection before it", "Connection: X-SSL-Client-CN\r\nX-SSL-Client-CN: evil"},
    {"only named in Connection", "Connection: X-SSL-Client-CN"},
    {"named in Connection with close", "Connection: close, X-SSL-Client-CN\r\nX-SSL-Client-CN: evil"},
    {"named in Connection by underscores", "Connection: X_SSL_Client_CN\r\nX_SSL_Client_CN: evil"},
    {"named in two Connection fields",
     "Connection: X-SSL-Client-CN\r\nConnection: x-ssl-client-cn\r\nX-SSL-Client-CN: evil"},
    {"named in Proxy-Connection", "Proxy-Connection: X-SSL-Client-CN\r\nX-SSL-Client-CN: evil"},
    {"announced as a trailer", "Trailer: X-SSL-Client-CN\r\nX-SSL-Client-CN: evil"},
    {"after many other fields",
     "A: b\r\nC: d\r\nE: f\r\nG: h\r\nI: j\r\nK: l\r\nM: n\r\nX-SSL-Client-CN: evil"},
    {"before Host", "X-SSL-Client-CN: evil\r\nAccept: */*"},
    {"value that looks like ours", "X-SSL-Client-CN: real\r\nX-SSL-Client-CN: evil"},
    {"value of a list in quotes", "X-SSL-Client-CN: \"evil\", \"evil\""},
};

START_TEST(C1_lets_the_backend_see_our_value_only)
{
    char raw[1024];
    snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", spoofs[_i].field);
    char *text = rewrite_with_identity(raw);
    ck_assert_msg(strstr(text, "evil") == NULL, "%s:\n%s", spoofs[_i].why, text);
    ck_assert_msg(count_folded(text, "X-SSL-Client-CN") == 1, "%s:\n%s", spoofs[_i].why, text);
    ck_assert_msg(strstr(text, "X-SSL-Client-CN: real\r\n\r\n") != NULL, "%s:\n%s", spoofs[_i].why, text);
    free(text);
}
END_TEST

static void spell(char *out, const char *name, int how)
{
    size_t i = 0;
    for (; name[i] != '\0'; i++) {
        char c = name[i];
        out[i] = how == 1 ? (char)toupper((unsigned char)c) : how == 2 ? (char)tolower((unsigned char)c) : c;
        if (c == '-' && how >= 3)
            out[i] = how == 3 ? '_' : how == 4 ? '.' : i % 2 == 0 ? '_' : '-';
    }
    out[i] = '\0';
}

/* Of every preset. */
static const char *const identity_names[] = {
    "Client-Cert",           "Client-Cert-Chain",    "X-Forwarded-Client-Cert", "X-SSL-Client-Verify",
    "X-SSL-Client-Status",   "X-SSL-Client-DN",      "X-SSL-Client-CN",         "X-SSL-Client-Serial",
    "X-SSL-Client-SHA256",   "X-SSL-Client-SAN",     "X-SSL-Client-NotBefore",  "X-SSL-Client-NotAfter",
    "X-SSL-Issuer",          "X-SSL-Error",          "SSL-Client-Verify",       "SSL-Client-Cert",
    "SSL-Client-Subject-DN", "SSL-Client-Issuer-DN",
};
enum { N_IDENTITY_NAMES = sizeof(identity_names) / sizeof(identity_names[0]) };

START_TEST(C1_removes_every_name_of_every_preset_in_every_spelling)
{
    for (size_t i = 0; i < N_IDENTITY_NAMES; i++)
        for (int how = 0; how < 6; how++) {
            char name[64], raw[256];
            spell(name, identity_names[i], how);
            snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\nHost: h\r\n%s: evil\r\n\r\n", name);
            char *text = rewrite_with_identity(raw);
            ck_assert_msg(strstr(text, "evil") == NULL, "%s:\n%s", name, text);
            ck_assert(http_guard_is_owned(span_from_str(name)));
            free(text);
        }
}
END_TEST

START_TEST(C1_removes_owned_names_from_trailers)
{
    for (size_t i = 0; i < N_IDENTITY_NAMES; i++)
        for (int how = 0; how < 6; how++) {
            char name[64];
            spell(name, identity_names[i], how);
            struct http_field fields[] = {{span_from_str(name), span_from_str("evil")},
                                          {span_from_str("Checksum"), span_from_str("1")}};
            struct http_head trailers = {.request = true, .fields = fields, .n_fields = 2};
            struct bytes out;
            bytes_init(&out, 4096);
            ck_assert_int_eq(http_guard_write_last_chunk(&out, &trailers, NULL), 0);
            ck_assert(span_equals_str(bytes_span(&out), "0\r\nChecksum: 1\r\n\r\n"));
            bytes_clear(&out);
        }
}
END_TEST

START_TEST(C11_owns_the_families_of_the_presets_whole)
{
    static const char *const names[] = {
        "X-SSL-Client",      "X-SSL-Client-CNX",  "X-SSL-Client-CN-",     "X-SSL-Client-Used",        "X-SSL-Client-Has-Cert", "X-SSL-Client-Not-Before",
        "X-SSL-Cert",        "X-SSL-Protocol",    "X-SSL-Session-ID",     "X-SSL-Whatever",           "X-SSL-",                "SSL-Client-Fingerprint",
        "SSL-Client-S-DN",   "SSL-Client-M-Serial", "SSL-Client-V-Remain", "SSL-Client-Cert-Chain-0", "SSL-Client-SAN-DNS-0",  "Client-Certs",
        "Client-Cert-",      "Client-Cert-Subject", "Client-Certificate", "X-Forwarded-Client-Cert-Chain",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (int how = 0; how < 6; how++) {
            char name[64], raw[256];
            spell(name, names[i], how);
            snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\nHost: h\r\n%s: evil\r\n\r\n", name);
            char *text = rewrite_with_identity(raw);
            ck_assert_msg(strstr(text, "evil") == NULL, "%s:\n%s", name, text);
            ck_assert(http_guard_is_owned(span_from_str(name)));
            free(text);
        }
}
END_TEST

START_TEST(C11_drops_what_replaces_target_or_method_when_told_to)
{
    static const char *const names[] = {"X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (int how = 0; how < 6; how++) {
            char name[64], raw[256];
            spell(name, names[i], how);
            snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\nHost: h\r\n%s: /admin\r\nX-Original-URLs: a\r\n\r\n", name);
            char *dropped = rewrite(raw, true, (struct http_outgoing){.drop_overrides = true}), *kept = rewrite(raw, true, (struct http_outgoing){.close = false});
            ck_assert_msg(strstr(dropped, "/admin") == NULL && strstr(dropped, "X-Original-URLs: a\r\n") != NULL, "%s:\n%s", name, dropped);
            ck_assert_msg(strstr(kept, "/admin") != NULL, "%s:\n%s", name, kept);
            free(dropped);
            free(kept);
        }
}
END_TEST

START_TEST(C11_keeps_trailer_only_where_trailers_may_follow)
{
    const char *raw = "GET / HTTP/1.1\r\nHost: h\r\nTrailer: Checksum\r\nA: b\r\n\r\n";
    char *dropped = rewrite(raw, true, (struct http_outgoing){.close = false}), *kept = rewrite(raw, true, (struct http_outgoing){.trailers = true});
    ck_assert_str_eq(dropped, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n");
    ck_assert_str_eq(kept, raw);
    free(dropped);
    free(kept);
}
END_TEST

START_TEST(C11_asks_for_trailers_in_its_own_words)
{
    const char *raw = "GET / HTTP/1.1\r\nHost: h\r\nTE: gzip, trailers\r\nConnection: TE, X-A\r\nX-A: b\r\n\r\n";
    char *asks = rewrite(raw, true, (struct http_outgoing){.wants_trailers = true}), *silent = rewrite(raw, true, (struct http_outgoing){.close = false});
    ck_assert_str_eq(asks, "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    ck_assert_str_eq(silent, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    free(asks);
    free(silent);
}
END_TEST

START_TEST(C11_no_trailer_undoes_an_edit)
{
    struct http_field set = {span_from_str("X-Role"), span_from_str("user")};
    struct span removed = span_from_str("X-Debug");
    const struct http_edit edit = {.set = &set, .n_set = 1, .remove = &removed, .n_remove = 1};
    for (int how = 0; how < 6; how++) {
        char role[64], debug[64];
        spell(role, "X-Role", how);
        spell(debug, "X-Debug", how);
        struct http_field fields[] = {{span_from_str(role), span_from_str("evil")}, {span_from_str("Checksum"), span_from_str("1")}, {span_from_str(debug), span_from_str("evil")}};
        struct http_head trailers = {.request = true, .fields = fields, .n_fields = 3};
        struct bytes out;
        bytes_init(&out, 4096);
        ck_assert_int_eq(http_guard_write_last_chunk(&out, &trailers, &edit), 0);
        ck_assert_msg(span_equals_str(bytes_span(&out), "0\r\nChecksum: 1\r\n\r\n"), "%s", role);
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(C1_leaves_names_alone_that_are_only_like_ours)
{
    static const char *const fields[] = {
        "XX-SSL-Client-CN: a", "X-SSLClient-CN: a", "XSSL-Client-CN: a", "Client-Cer: a", "Clients-Cert: a",
        "SSL-Clients-CN: a",   "SSL-Client: a",     "SSL-Server-Name: a", "X-SSL: a",     "X-Client-Cert: a",
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char raw[256];
        snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", fields[i]);
        char *text = rewrite_with_identity(raw);
        ck_assert_msg(strstr(text, fields[i]) != NULL, "%s:\n%s", fields[i], text);
        free(text);
    }
}
END_TEST

static const struct {
    const char *why, *raw, *written;
} requests[] = {
    {"what curl sends", "GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: curl\r\nAccept: */*\r\n\r\n",
     "GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: curl\r\nAccept: */*\r\n\r\n"},
    {"the target goes on byte for byte", "GET /a/../%2e//b?%41 HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET /a/../%2e//b?%41 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an absolute target goes on as a path", "GET http://h:80/a?b HTTP/1.1\r\nHost: H\r\n\r\n",
     "GET /a?b HTTP/1.1\r\nHost: H\r\n\r\n"},
    {"an absolute target without a path", "GET http://h?b HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET /?b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"OPTIONS of an absolute target without a path", "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n",
     "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an absolute target is the Host where there is none", "GET http://h:81/ HTTP/1.0\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h:81\r\n\r\n"},
    {"Expect of HTTP/1.0 was not meant to be looked at", "POST / HTTP/1.0\r\nHost: h\r\neXpect: 100-continue\r\nA: b\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"},
    {"Expect of HTTP/1.1 is the upstream's to answer", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n"},
    {"what is for the proxy stays at the proxy",
     "GET http://h/ HTTP/1.1\r\nHost: h\r\nProxy_Authorization: Basic x\r\nAuthorization: y\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: y\r\n\r\n"},
    {"where we are no proxy it is somebody else's", "GET / HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic x\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic x\r\n\r\n"},
    {"Host comes first, other spellings of it go", "GET / HTTP/1.1\r\nA: b\r\nhost: h\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"},
    {"HTTP/1.0 becomes 1.1", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"hop-by-hop fields go",
     "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: "
     "keep-alive\r\n"
     "TE: trailers\r\nUpgrade: websocket\r\nA: b\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"},
    {"hop-by-hop fields go in any spelling",
     "GET / HTTP/1.1\r\nHost: h\r\nKEEP_ALIVE: x\r\nproxy.connection: x\r\nte: x\r\nuPGRADE: x\r\nA: "
     "b\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"},
    {"fields that Connection names go, wherever they stand",
     "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nConnection: a, B\r\nb: 2\r\nC: 3\r\nConnection: C\r\nD: 4\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nD: 4\r\n\r\n"},
    {"Authorization and Cookie go when they are named, as the RFC says",
     "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\nCookie: y\r\nConnection: authorization, "
     "cookie\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"Connection cannot take Host or the framing away",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: host, content-length, close\r\n\r\nx",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"},
    {"Connection cannot take chunked away",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\nConnection: transfer-encoding\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"white space around values goes", "GET / HTTP/1.1\r\nHost:h\r\nA: \t b \t\r\nC:\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: \r\n\r\n"},
    {"what is known elsewhere stays: X-Forwarded-For and Forwarded are the caller's to drop",
     "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nForwarded: for=2\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nForwarded: for=2\r\n\r\n"},
};

START_TEST(C3_writes_requests_anew)
{
    char *text = rewrite(requests[_i].raw, true, (struct http_outgoing){0});
    ck_assert_msg(strcmp(text, requests[_i].written) == 0, "%s:\n%s", requests[_i].why, text);
    free(text);
}
END_TEST

START_TEST(A15_the_host_that_routes_saw_is_the_host_that_goes_on) /* HTTP/1.0 has none beside an absolute target; the path may be rewritten */
{
    static const char *const targets[] = {"", "/b", "/b?c"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char *text = rewrite("GET http://h:81/a/../b HTTP/1.0\r\n\r\n", true, (struct http_outgoing){.target = span_from_str(targets[i])});
        ck_assert_msg(strstr(text, "\r\nHost: h:81\r\n") != NULL, "%s:\n%s", targets[i], text);
        free(text);
    }
}
END_TEST

static const struct {
    const char *why, *raw, *written;
} responses[] = {
    {"five fields",
     "HTTP/1.1 200 OK\r\nServer: s\r\nDate: d\r\nContent-Type: t\r\nContent-Length: 3\r\nX: y\r\n\r\n",
     "HTTP/1.1 200 OK\r\nServer: s\r\nDate: d\r\nContent-Type: t\r\nX: y\r\nContent-Length: 3\r\n\r\n"},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"until close", "HTTP/1.0 200 Fine\r\nA: b\r\n\r\n",
     "HTTP/1.1 200 Fine\r\nA: b\r\nConnection: close\r\n\r\n"},
    {"no phrase", "HTTP/1.1 204\r\n\r\n", "HTTP/1.1 204 \r\n\r\n"},
    {"304 keeps the length that GET would have had", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
    {"204 may have no length", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 204 No Content\r\n\r\n"},
    {"1xx may have no length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\nLink: x\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"},
    {"hop-by-hop fields go, Proxy-Authenticate stays",
     "HTTP/1.1 407 No\r\nConnection: close, X\r\nKeep-Alive: 1\r\nX: y\r\nProxy-Authenticate: "
     "Basic\r\nUpgrade: "
     "h2c\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"},
    {"a backend's own words pass",
     "HTTP/1.1 200 OK\r\nHost: x\r\nClient-Cert: y\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nHost: x\r\nClient-Cert: y\r\nContent-Length: 0\r\n\r\n"},
};

START_TEST(C3_writes_responses_anew)
{
    char *text = rewrite(responses[_i].raw, false, (struct http_outgoing){0});
    ck_assert_msg(strcmp(text, responses[_i].written) == 0, "%s:\n%s", responses[_i].why, text);
    free(text);
}
END_TEST

START_TEST(replaces_host_and_target_and_says_close)
{
    char *text = rewrite("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", true,
                         (struct http_outgoing){.host = span_from_str("up:443"),
                                                .target = span_from_str("/b"),
                                                .added = span_from_str("A: b\r\n"),
                                                .close = true});
    ck_assert_str_eq(text, "GET /b HTTP/1.1\r\nHost: up:443\r\nConnection: close\r\nA: b\r\n\r\n");
    free(text);
}
END_TEST

START_TEST(C9_writes_no_request_for_CONNECT_or_a_target_that_is_no_path)
{
    static const struct {
        const char *method, *target;
    } rows[] = {{"CONNECT", "h:443"}, {"GET", "h:443"}, {"GET", "https://h/"}, {"GET", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_head h = {.request = true, .method = span_from_str(rows[i].method), .target = span_from_str(rows[i].target)};
        struct http_outgoing o = {.head = &h, .host = span_from_str("h")};
        struct bytes out;
        bytes_init(&out, 4096);
        ck_assert_msg(http_guard_write_head(&out, &o) == -1, "%s %s", rows[i].method, rows[i].target);
        ck_assert_uint_eq(out.len, 0);
        bytes_clear(&out);
    }
}
END_TEST

static struct span words(const char *text)
{
    return span_from_str(text);
}

static const struct {
    const char *why, *fields;
    struct {
        const char *name, *value;
    } set[2];
    const char *remove, *written;
} edits[] = {
    {"a field is added", "A: b", {{"X-New", "1"}}, NULL, "A: b\r\nX-New: 1"},
    {"a field is replaced", "X-New: 0\r\nA: b", {{"X-New", "1"}}, NULL, "A: b\r\nX-New: 1"},
    {"every field of the name is replaced, in any spelling", "x_new: 0\r\nX.NEW: 0\r\nX-New: 0\r\nX-New-: 0", {{"X_New", "1"}}, NULL,
     "X-New-: 0\r\nX_New: 1"},
    {"two are set", "A: b", {{"X", "1"}, {"Y", "2"}}, NULL, "A: b\r\nX: 1\r\nY: 2"},
    {"an empty value is one", "X: 0", {{"X", ""}}, NULL, "X: "},
    {"a field is removed", "A: b\r\nCookie: c\r\nC: d", {{NULL, NULL}}, "cookie", "A: b\r\nC: d"},
    {"every field of the name is removed, in any spelling", "X-Old: 1\r\nx_old: 2\r\nX.Old: 3\r\nX-Olds: 4", {{NULL, NULL}}, "X_OLD", "X-Olds: 4"},
    {"a field that Connection names may be set", "X: 0\r\nConnection: X", {{"X", "1"}}, NULL, "X: 1"},
    {"what was forwarded may be set", "X-Forwarded-Proto: http", {{"X-Forwarded-Proto", "https"}}, NULL, "X-Forwarded-Proto: https"},
    {"Host stays", "A: b", {{"Host", "evil"}, {"hOST", "evil"}}, NULL, "A: b"},
    {"Host is not removed", "A: b", {{NULL, NULL}}, "Host", "A: b"},
    {"the framing stays", "A: b", {{"Content-Length", "9"}, {"Transfer_Encoding", "chunked"}}, NULL, "A: b"},
    {"Connection stays", "A: b", {{"Connection", "A"}, {"Upgrade", "h2c"}}, NULL, "A: b"},
    {"hop-by-hop fields stay away", "A: b", {{"TE", "x"}, {"Keep.Alive", "x"}}, NULL, "A: b"},
    {"C1: only we say who the caller is", "A: b", {{"X-SSL-Client-CN", "x"}, {"client_cert", "x"}}, NULL, "A: b"},
};

START_TEST(C1_edits_fields_but_none_that_are_framing_hops_or_ours)
{
    char raw[512], written[512];
    struct http_field set[2];
    struct span removed = words(edits[_i].remove);
    struct http_edit edit = {.set = set, .remove = &removed, .n_remove = removed.len > 0 ? 1 : 0};
    for (size_t i = 0; i < 2 && edits[_i].set[i].name != NULL; i++)
        set[edit.n_set++] = (struct http_field){words(edits[_i].set[i].name), words(edits[_i].set[i].value)};
    snprintf(raw, sizeof(raw), "POST / HTTP/1.1\r\nHost: h\r\n%s\r\nContent-Length: 1\r\n\r\n", edits[_i].fields);
    snprintf(written, sizeof(written), "POST / HTTP/1.1\r\nHost: h\r\n%s\r\nContent-Length: 1\r\n%s\r\n", edits[_i].written, identity);
    char *text = rewrite(raw, true, (struct http_outgoing){.added = words(identity), .edit = &edit});
    ck_assert_msg(strcmp(text, written) == 0, "%s:\n%s", edits[_i].why, text);
    free(text);
}
END_TEST

START_TEST(C12_two_edits_hold_and_the_first_goes_before)
{
    struct http_field first_set[] = {{words("X-Role"), words("admin")}, {words("X-A"), words("1")}}, second_set[] = {{words("x_role"), words("user")}, {words("X-B"), words("2")}};
    struct span first_gone = words("X-C"), second_gone[] = {words("X-D"), words("X-A")};
    struct http_edit second = {.set = second_set, .n_set = 2, .remove = second_gone, .n_remove = 2};
    struct http_edit first = {.set = first_set, .n_set = 2, .remove = &first_gone, .n_remove = 1, .next = &second};
    char *text = rewrite("GET / HTTP/1.1\r\nHost: h\r\nX-Role: evil\r\nX-A: evil\r\nX-B: evil\r\nX-C: evil\r\nX-D: evil\r\nX-E: 5\r\n\r\n", true,
                         (struct http_outgoing){.edit = &first});
    ck_assert_str_eq(text, "GET / HTTP/1.1\r\nHost: h\r\nX-E: 5\r\nX-Role: admin\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
    free(text);
    second_set[1].value = words("2\r\nX-F: 3"); /* C3 */
    struct http_head h = {.request = true, .method = words("GET"), .target = words("/")};
    struct http_outgoing o = {.head = &h, .host = words("h"), .edit = &first};
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(http_guard_write_head(&out, &o), -1);
    bytes_clear(&out);
}
END_TEST

START_TEST(C3_writes_no_head_with_an_edit_that_would_end_a_line)
{
    static const struct {
        const char *name, *value;
    } rows[] = {{"X", "a\r\nY: b"}, {"X", "a\nb"}, {"X", "\x7f"}, {"X:", "a"}, {"X Y", "a"}, {"", "a"}, {"X\n", "a"}};
    struct http_head h = {.request = true, .minor = 1, .method = words("GET"), .target = words("/")};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_field set = {words(rows[i].name), words(rows[i].value)};
        struct http_edit edit = {.set = &set, .n_set = 1};
        struct http_outgoing o = {.head = &h, .host = words("h"), .edit = &edit};
        struct bytes out;
        bytes_init(&out, 4096);
        ck_assert_msg(http_guard_write_head(&out, &o) == -1, "row %zu", i);
        ck_assert_uint_eq(out.len, 0);
        bytes_clear(&out);
    }
}
END_TEST

static const struct {
    const char *why, *raw;
    const char *location, *date, *upgrade, *via;
    int max_forwards; /* -1: none */
    bool close, keep_alive;
    const char *written;
} changes[] = {
    {"another Location", "HTTP/1.1 302 Found\r\nlOCATION: http://up/\r\nA: b\r\nContent-Length: 0\r\n\r\n", "https://us/", NULL, NULL, NULL, -1,
     false, false, "HTTP/1.1 302 Found\r\nA: b\r\nLocation: https://us/\r\nContent-Length: 0\r\n\r\n"},
    {"no Location where there was none", "HTTP/1.1 204 No\r\nContent-Location: x\r\n\r\n", "https://us/", NULL, NULL, NULL, -1, false, false,
     "HTTP/1.1 204 No\r\nContent-Location: x\r\n\r\n"},
    {"a Date where there was none", "HTTP/1.1 204 No\r\nA: b\r\n\r\n", NULL, "now", NULL, NULL, -1, false, false,
     "HTTP/1.1 204 No\r\nA: b\r\nDate: now\r\n\r\n"},
    {"the peer's Date stays", "HTTP/1.1 204 No\r\ndate: then\r\n\r\n", NULL, "now", NULL, NULL, -1, false, false,
     "HTTP/1.1 204 No\r\ndate: then\r\n\r\n"},
    {"Via behind the others", "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 a\r\nA: b\r\n\r\n", NULL, NULL, NULL, "1.1 us", -1, false, false,
     "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 a\r\nA: b\r\nVia: 1.1 us\r\n\r\n"},
    {"Via in a response", "HTTP/1.1 204 No\r\n\r\n", NULL, NULL, NULL, "1.1 us", -1, false, false, "HTTP/1.1 204 No\r\nVia: 1.1 us\r\n\r\n"},
    {"one hop less", "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax_Forwards: 4294967296\r\nmax-forwards: 1\r\n\r\n", NULL, NULL, NULL, NULL, 3, false,
     false, "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\n\r\n"},
    {"an upgrade asked for", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n", NULL,
     NULL, "websocket", NULL, -1, false, false,
     "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: k\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
    {"an upgrade is never closed", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", NULL, NULL, "websocket", NULL, -1, true, true,
     "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
    {"E1: h2c does not pass", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n", NULL,
     NULL, NULL, NULL, -1, false, false, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
};

START_TEST(writes_what_the_caller_changes)
{
    bool request = strncmp(changes[_i].raw, "HTTP", 4) != 0;
    struct http_field location = {words("Location"), words(changes[_i].location)};
    struct http_outgoing o = {.replaced = &location,
                              .n_replaced = changes[_i].location != NULL ? 1 : 0,
                              .date = words(changes[_i].date),
                              .upgrade = words(changes[_i].upgrade),
                              .via = words(changes[_i].via),
                              .has_max_forwards = changes[_i].max_forwards >= 0,
                              .max_forwards = (unsigned)changes[_i].max_forwards,
                              .close = changes[_i].close,
                              .keep_alive = changes[_i].keep_alive};
    char *text = rewrite(changes[_i].raw, request, o);
    ck_assert_msg(strcmp(text, changes[_i].written) == 0, "%s:\n%s", changes[_i].why, text);
    free(text);
}
END_TEST

START_TEST(writes_the_answer_to_an_upgrade)
{
    struct http_field fields[] = {{words("Upgrade"), words("websocket")}, {words("Connection"), words("Upgrade")}, {words("A"), words("b")}};
    struct http_head h = {.minor = 1, .status = 101, .phrase = words("Switching Protocols"), .fields = fields, .n_fields = 3};
    struct http_outgoing o = {.head = &h, .upgrade = words("websocket"), .close = true};
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(http_guard_write_head(&out, &o), 0);
    ck_assert(span_equals_str(bytes_span(&out),
                              "HTTP/1.1 101 Switching Protocols\r\nA: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"));
    bytes_clear(&out);
}
END_TEST

START_TEST(tells_an_old_client_that_the_connection_stays)
{
    char *text = rewrite("HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n", false, (struct http_outgoing){.keep_alive = true});
    ck_assert_str_eq(text, "HTTP/1.1 204 Fine\r\nConnection: keep-alive\r\n\r\n");
    free(text);
    text = rewrite("HTTP/1.1 204 Fine\r\n\r\n", false, (struct http_outgoing){.keep_alive = true, .close = true});
    ck_assert_str_eq(text, "HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n");
    free(text);
}
END_TEST

START_TEST(C1_drops_forwarded_fields_when_told_to)
{
    char *text = rewrite("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nx_forwarded_proto: "
                         "2\r\nX-Forwarded-Anything: 3\r\n"
                         "X-Real-IP: 4\r\nX.Real.IP: 5\r\nForwarded: 6\r\nX-Forward: 7\r\n\r\n",
                         true, (struct http_outgoing){.drop_forwarded = true});
    ck_assert_str_eq(text, "GET / HTTP/1.1\r\nHost: h\r\nX-Forward: 7\r\n\r\n");
    free(text);
}
END_TEST

START_TEST(C3_drops_trailers_that_route_frame_or_authenticate)
{
    static const char *const dropped[] = {
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Connection",
        "TE",
        "Upgrade",
        "Trailer",
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "Content-Type",
        "Content-Encoding",
        "Content-Range",
        "Cache-Control",
        "Expect",
        "Range",
        "X-Forwarded-For",
        "Forwarded",
        "X-Original-URL",
        "X-HTTP-Method-Override",
        "Proxy-Authorization",
        "content_length",
        "COOKIE",
    };
    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
        struct http_field field = {span_from_str(dropped[i]), span_from_str("1")};
        struct http_head trailers = {.fields = &field, .n_fields = 1};
        struct bytes out;
        bytes_init(&out, 4096);
        ck_assert_int_eq(http_guard_write_last_chunk(&out, &trailers, NULL), 0);
        ck_assert_msg(span_equals_str(bytes_span(&out), "0\r\n\r\n"), "%s", dropped[i]);
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(writes_the_last_chunk_without_trailers)
{
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(http_guard_write_last_chunk(&out, NULL, NULL), 0);
    ck_assert(span_equals_str(bytes_span(&out), "0\r\n\r\n"));
    bytes_clear(&out);
}
END_TEST

START_TEST(fails_and_adds_nothing_when_there_is_no_room)
{
    struct http_head h = {.request = true, .method = span_from_str("GET"), .target = span_from_str("/")};
    struct http_outgoing o = {.head = &h};
    struct bytes out;
    bytes_init(&out, 20);
    ck_assert_int_eq(http_guard_write_head(&out, &o), -1);
    ck_assert_uint_eq(out.len, 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(takes_the_memory_of_a_short_head_from_the_blocks)
{
    static char longer[BLOCK_CACHE_BYTES + 1];
    struct block_cache blocks;
    struct bytes out;
    struct http_field field = {span_from_str("X-Any"), span_from_str("value")};
    struct http_head head = {.minor = 1, .status = 200, .phrase = span_from_str("OK"), .fields = &field, .n_fields = 1};
    struct http_outgoing how = {.head = &head, .blocks = &blocks};
    memset(longer, 'a', sizeof(longer) - 1);
    block_cache_init(&blocks, BLOCK_CACHE_BYTES, 1);
    bytes_init(&out, 1 << 20);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(http_guard_write_head(&out, &how), 0);
        ck_assert(span_equals_str(bytes_span(&out), "HTTP/1.1 200 OK\r\nX-Any: value\r\n\r\n"));
        ck_assert_uint_eq(out.cap, BLOCK_CACHE_BYTES);
        ck_assert_uint_eq(blocks.n, 0);
        block_cache_take_back(&blocks, &out);
        ck_assert_uint_eq(blocks.n, 1);
    }
    field.value = span_from_str(longer);
    ck_assert_int_eq(http_guard_write_head(&out, &how), 0);
    ck_assert_uint_eq(blocks.n, 1);
    bytes_clear(&out);
    block_cache_clear(&blocks);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_write");
    TCase *tc = tcase_create("writing");
    tcase_add_loop_test(tc, C1_lets_the_backend_see_our_value_only, 0,
                        (int)(sizeof(spoofs) / sizeof(spoofs[0])));
    tcase_add_test(tc, C1_removes_every_name_of_every_preset_in_every_spelling);
    tcase_add_test(tc, C1_removes_owned_names_from_trailers);
    tcase_add_test(tc, C11_owns_the_families_of_the_presets_whole);
    tcase_add_test(tc, C11_drops_what_replaces_target_or_method_when_told_to);
    tcase_add_test(tc, C11_keeps_trailer_only_where_trailers_may_follow);
    tcase_add_test(tc, C11_asks_for_trailers_in_its_own_words);
    tcase_add_test(tc, C11_no_trailer_undoes_an_edit);
    tcase_add_test(tc, C1_leaves_names_alone_that_are_only_like_ours);
    tcase_add_loop_test(tc, C3_writes_requests_anew, 0, (int)(sizeof(requests) / sizeof(requests[0])));
    tcase_add_test(tc, A15_the_host_that_routes_saw_is_the_host_that_goes_on);
    tcase_add_loop_test(tc, C3_writes_responses_anew, 0, (int)(sizeof(responses) / sizeof(responses[0])));
    tcase_add_test(tc, replaces_host_and_target_and_says_close);
    tcase_add_test(tc, C9_writes_no_request_for_CONNECT_or_a_target_that_is_no_path);
    tcase_add_loop_test(tc, C1_edits_fields_but_none_that_are_framing_hops_or_ours, 0, (int)(sizeof(edits) / sizeof(edits[0])));
    tcase_add_test(tc, C12_two_edits_hold_and_the_first_goes_before);
    tcase_add_test(tc, C3_writes_no_head_with_an_edit_that_would_end_a_line);
    tcase_add_loop_test(tc, writes_what_the_caller_changes, 0, (int)(sizeof(changes) / sizeof(changes[0])));
    tcase_add_test(tc, writes_the_answer_to_an_upgrade);
    tcase_add_test(tc, tells_an_old_client_that_the_connection_stays);
    tcase_add_test(tc, C1_drops_forwarded_fields_when_told_to);
    tcase_add_test(tc, C3_drops_trailers_that_route_frame_or_authenticate);
    tcase_add_test(tc, writes_the_last_chunk_without_trailers);
    tcase_add_test(tc, fails_and_adds_nothing_when_there_is_no_room);
    tcase_add_test(tc, takes_the_memory_of_a_short_head_from_the_blocks);
    suite_add_tcase(s, tc);
    return s;
}
