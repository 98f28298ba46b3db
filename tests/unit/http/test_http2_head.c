/* SPDX-License-Identifier: Apache-2.0 */
/* C5: the fields of a block to a head, or to the sentence why not. */
#include "http2_head.h"
#include "mtlsd/http/http_guard.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 600, MAX_FIELDS = 12 };

#define GET ":method=GET|:scheme=https|:authority=a.example|:path=/"

struct row {
    const char *why, *fields, *said;
};

static const struct row requests[] = {
    {"a request", GET "|accept=*/*", "GET / none host=a.example|accept=*/*"},
    {"fields in any order of pseudo fields", ":path=/x?y|:scheme=http|:method=GET|:authority=a", "GET /x?y none host=a"},
    {"the host in Host", ":method=GET|:scheme=https|:path=/|host=a.example", "GET / none host=a.example"},
    {"the same host twice", GET "|host=A.example:443|x=y", "GET / none host=a.example|x=y"},
    {"te: trailers", GET "|te=trailers", "GET / none host=a.example|te=trailers"},
    {"a value with a tab and with bytes above ASCII", GET "|x=a\tb\303\244", "GET / none host=a.example|x=a\tb\303\244"},
    {"an empty value", GET "|x=", "GET / none host=a.example|x="},
    {"OPTIONS of the server", ":method=OPTIONS|:scheme=https|:authority=a|:path=*", "OPTIONS * none host=a"},
    {"a cookie", GET "|cookie=a=b", "GET / none host=a.example|cookie=a=b"},
    {"crumbs of a cookie", GET "|cookie=a=b|x=y|cookie=c=d|cookie=e=f", "GET / none host=a.example|cookie=a=b; c=d; e=f|x=y"},
    {"empty crumbs", GET "|cookie=|cookie=a=b|cookie=|cookie=c=d|cookie=", "GET / none host=a.example|cookie=a=b; c=d"},
    {"nothing but empty crumbs", GET "|cookie=|cookie=", "GET / none host=a.example|cookie="},
    {"CONNECT", ":method=CONNECT|:authority=a:443", "CONNECT a:443 none host=a:443"},

    {"no method", ":scheme=https|:authority=a|:path=/", "no :method"},
    {"an empty method", ":method=|:scheme=https|:authority=a|:path=/", "the method holds a character that is not allowed there"},
    {"a method with a space", ":method=GET /x HTTP/1.1|:scheme=https|:authority=a|:path=/", "the method holds a character that is not allowed there"},
    {"an unknown method", ":method=BREW|:scheme=https|:authority=a|:path=/", "the method is not known"},
    {"a method in small letters", ":method=get|:scheme=https|:authority=a|:path=/", "the method is not known"},
    {"no scheme", ":method=GET|:authority=a|:path=/", "a request needs :method, :scheme and :path"},
    {"another scheme", ":method=GET|:scheme=ftp|:authority=a|:path=/", "the scheme is neither https nor http"},
    {"a scheme that begins a URL", ":method=GET|:scheme=https://evil/?|:authority=a|:path=/", "the scheme is neither https nor http"},
    {"no path", ":method=GET|:scheme=https|:authority=a", "a request needs :method, :scheme and :path"},
    {"an empty path", ":method=GET|:scheme=https|:authority=a|:path=", ":path is neither a path nor the '*' of OPTIONS"},
    {"an absolute path", ":method=GET|:scheme=https|:authority=a|:path=http://evil/", ":path is neither a path nor the '*' of OPTIONS"},
    {"a star of GET", ":method=GET|:scheme=https|:authority=a|:path=*", ":path is neither a path nor the '*' of OPTIONS"},
    {"a path without its slash", ":method=GET|:scheme=https|:authority=a|:path=x", ":path is neither a path nor the '*' of OPTIONS"},
    {"an empty authority", ":method=GET|:scheme=https|:authority=|:path=/", ":authority is not a host name or address with an optional port"},
    {"an authority with a user", ":method=GET|:scheme=https|:authority=u@a|:path=/", ":authority is not a host name or address with an optional port"},
    {"an authority with a path", ":method=GET|:scheme=https|:authority=a/x|:path=/", ":authority is not a host name or address with an optional port"},
    {"another Host", GET "|host=b.example", "Host is not the host of :authority"},
    {"a Host of another port", GET "|host=a.example:8443", "Host is not the host of :authority"},
    {"a Host that is none", GET "|host=", "Host is not the host of :authority"},
    {"two Hosts", GET "|host=a.example|host=a.example", "more than one Host"},
    {"a method twice", ":method=GET|" GET, "a pseudo field twice"},
    {"a path twice", GET "|:path=/", "a pseudo field twice"},
    {"a pseudo field behind others", ":method=GET|:scheme=https|:authority=a|x=y|:path=/", "a pseudo field behind other fields"},
    {"an unknown pseudo field", GET "|:origin=a", "an unknown pseudo field"},
    {"a pseudo field in capital letters", ":METHOD=GET|:scheme=https|:authority=a|:path=/", "an unknown pseudo field"},
    {"a pseudo field without a name", GET "|:=a", "an unknown pseudo field"},
    {"a status in a request", GET "|:status=200", "the pseudo field of a response in a request"},
    {"CONNECT with a path", ":method=CONNECT|:authority=a:443|:path=/", "CONNECT has :method and :authority, and no other pseudo field"},
    {"CONNECT without a host", ":method=CONNECT", "CONNECT has :method and :authority, and no other pseudo field"},
    {"a protocol where none is served", GET "|:protocol=websocket", ":protocol, which is not served here"},
    {"connection", GET "|connection=x", "a field about the connection, which HTTP/2 does not have"},
    {"keep-alive", GET "|keep-alive=5", "a field about the connection, which HTTP/2 does not have"},
    {"proxy-connection", GET "|proxy-connection=x", "a field about the connection, which HTTP/2 does not have"},
    {"transfer-encoding", GET "|transfer-encoding=chunked", "a field about the connection, which HTTP/2 does not have"},
    {"transfer-encoding in disguise", GET "|transfer_encoding=chunked", "a field about the connection, which HTTP/2 does not have"},
    {"upgrade", GET "|upgrade=h2c", "a field about the connection, which HTTP/2 does not have"},
    {"http2-settings", GET "|http2-settings=AAA", "a field about the connection, which HTTP/2 does not have"},
    {"another te", GET "|te=gzip", "TE is not exactly trailers"},
    {"te with more", GET "|te=trailers, gzip", "TE is not exactly trailers"},
    {"a capital letter", GET "|X-a=b", "a field's name has capital letters"},
    {"a name that is empty", GET "|=b", "a field's name is no token"},
    {"a name with a space", GET "|x a=b", "a field's name is no token"},
    {"a name with a colon", GET "|x:a=b", "a field's name is no token"},
    {"a name with a line end", GET "|x\r\nevil=b", "a field's name is no token"},
    {"a name above ASCII", GET "|x\303\244=b", "a field's name is no token"},
    {"a value with CR", GET "|x=a\rb", "a field's value holds a control byte"},
    {"a value with LF", GET "|x=a\nevil: b", "a field's value holds a control byte"},
    {"a value with DEL", GET "|x=a\177", "a field's value holds a control byte"},
    {"a value that begins with a space", GET "|x= a", "a field's value begins or ends with white space"},
    {"a value that ends with a tab", GET "|x=a\t", "a field's value begins or ends with white space"},
    {"two lengths", GET "|content-length=1|content-length=1", "more than one Content-Length"},
    {"a length with a sign", GET "|content-length=+1", "Content-Length is not a plain decimal number"},
    {"a length in disguise", GET "|content_length=1", "a framing field whose name is spelled without its dash"},
    {"a length without a body", GET "|content-length=1", "the stream ended before its content-length"},
    {"CONNECT with a length", ":method=CONNECT|:authority=a:443|content-length=3", "CONNECT with a body"},
    {"one field too many", GET "|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1", "more fields than allowed"},
    {"one crumb too many", GET "|a=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1|cookie=1", "more fields than allowed"},
};

static const struct row responses[] = {
    {"a response", ":status=200|a=b", "200 length a=b"},
    {"no status", "a=b", "the status is not a number from 100 to 599"},
    {"a status of two digits", ":status=20", "the status is not a number from 100 to 599"},
    {"a status of four digits", ":status=2000", "the status is not a number from 100 to 599"},
    {"a status with a letter", ":status=2x0", "the status is not a number from 100 to 599"},
    {"a status below", ":status=099", "the status is not a number from 100 to 599"},
    {"a status above", ":status=600", "the status is not a number from 100 to 599"},
    {"a status twice", ":status=200|:status=200", "a pseudo field twice"},
    {"a status behind a field", "a=b|:status=200", "a pseudo field behind other fields"},
    {"a path", ":status=200|:path=/", "the pseudo field of a request in a response"},
    {"connection", ":status=200|connection=close", "a field about the connection, which HTTP/2 does not have"},
    {"switching protocols", ":status=101|upgrade=x", "a field about the connection, which HTTP/2 does not have"},
};

static const struct row trailers[] = {
    {"trailers", "a=b|c=d", "a=b|c=d"},
    {"a pseudo field", ":status=200", "a pseudo field in trailers"},
    {"a path", ":path=/", "a pseudo field in trailers"},
    {"a length", "content-length=3", "a trailer names the host, the framing or the connection"},
    {"a host", "host=evil", "a trailer names the host, the framing or the connection"},
    {"te", "te=trailers", "a trailer names the host, the framing or the connection"},
    {"a capital letter", "A=b", "a field's name has capital letters"},
};

static struct http2_block block;

static void add_all(const char *fields)
{
    for (const char *at = fields; *at != '\0';) {
        const char *sign = strchr(at, '='), *end = strchr(sign, '|');
        end = end != NULL ? end : at + strlen(at);
        struct http_field f = {span_of(at, (size_t)(sign - at)), span_of(sign + 1, (size_t)(end - sign) - 1)};
        http2_block_add(&block, &f, false);
        at = *end == '|' ? end + 1 : end;
    }
}

static void say(char *text, size_t room, enum http2_block_kind kind)
{
    static const char *const framings[] = {"none", "length", "open", "close"};
    const struct http_head *h = &block.head;
    size_t n = 0;
    text[0] = '\0';
    if (kind == HTTP2_BLOCK_REQUEST)
        n = (size_t)snprintf(text, room, "%.*s %.*s %s ", (int)h->method.len, (const char *)h->method.ptr, (int)h->target.len, (const char *)h->target.ptr, framings[h->framing]);
    if (kind == HTTP2_BLOCK_RESPONSE)
        n = (size_t)snprintf(text, room, "%u %s ", h->status, framings[h->framing]);
    for (size_t i = 0; i < h->n_fields; i++)
        n += (size_t)snprintf(text + n, room - n, "%s%.*s=%.*s", i > 0 ? "|" : "", (int)h->fields[i].name.len, (const char *)h->fields[i].name.ptr, (int)h->fields[i].value.len,
                              (const char *)h->fields[i].value.ptr);
}

static void check(const struct row *row, enum http2_block_kind kind)
{
    char text[2048];
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS, .ends_stream = true, .kind = kind};
    http2_block_begin(&block, span_from_str("bytes"), false);
    add_all(row->fields);
    http2_head_make(&block, false);
    say(text, sizeof(text), kind);
    const char *said = block.reason == REASON_VALID ? text : block.detail;
    ck_assert_msg(strcmp(said, row->said) == 0, "%s: %s", row->why, said);
    http2_block_clear(&block);
}

START_TEST(reads_requests)
{
    check(&requests[_i], HTTP2_BLOCK_REQUEST);
}
END_TEST

START_TEST(reads_responses)
{
    check(&responses[_i], HTTP2_BLOCK_RESPONSE);
}
END_TEST

START_TEST(reads_trailers)
{
    check(&trailers[_i], HTTP2_BLOCK_TRAILERS);
}
END_TEST

START_TEST(takes_a_protocol_where_it_is_served) /* RFC 8441 */
{
    static const struct row rows[] = {
        {"websocket", ":method=CONNECT|:scheme=https|:authority=a|:path=/chat|:protocol=websocket", "CONNECT /chat open host=a"},
        {"another method", GET "|:protocol=websocket", ":protocol belongs to CONNECT with :authority"},
        {"no host", ":method=CONNECT|:scheme=https|:path=/chat|:protocol=websocket", ":protocol belongs to CONNECT with :authority"},
        {"no path", ":method=CONNECT|:scheme=https|:authority=a|:protocol=websocket", "a request needs :method, :scheme and :path"},
        {"no protocol", ":method=CONNECT|:scheme=https|:authority=a|:path=/|:protocol=", ":protocol belongs to CONNECT with :authority"},
    };
    char text[256];
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS, .extended_connect = true, .kind = HTTP2_BLOCK_REQUEST};
    http2_block_begin(&block, span_from_str("bytes"), false);
    add_all(rows[_i].fields);
    http2_head_make(&block, false);
    say(text, sizeof(text), HTTP2_BLOCK_REQUEST);
    ck_assert_str_eq(block.reason == REASON_VALID ? text : block.detail, rows[_i].said);
    struct http_target target;
    ck_assert(_i > 0 || span_equals_str(block.head.protocol, "websocket"));
    ck_assert(_i > 0 || http_guard_request(&block.head, &target, NULL) == REASON_VALID);
    ck_assert(_i > 0 || (target.form == HTTP_TARGET_ORIGIN && span_equals_str(target.path, "/chat") && span_equals_str(target.host, "a")));
    http2_block_clear(&block);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_head");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, reads_requests, 0, sizeof(requests) / sizeof(requests[0]));
    tcase_add_loop_test(c, reads_responses, 0, sizeof(responses) / sizeof(responses[0]));
    tcase_add_loop_test(c, reads_trailers, 0, sizeof(trailers) / sizeof(trailers[0]));
    tcase_add_loop_test(c, takes_a_protocol_where_it_is_served, 0, 5);
    suite_add_tcase(s, c);
    return s;
}
