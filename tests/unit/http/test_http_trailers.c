/* SPDX-License-Identifier: Apache-2.0 */
/* Row C11: trailers pass where they are wanted and nowhere else. */
#include "mtlsd/http/http_trailers.h"
#include "t.h"

static const struct {
    const char *why, *name, *value;
    bool wanted;
} wishes[] = {
    {"as RFC 9110 has it", "TE", "trailers", true},
    {"in any case", "te", "Trailers", true},
    {"beside codings", "TE", "gzip;q=0.5, trailers", true},
    {"only codings", "TE", "gzip", false},
    {"a word that begins so", "TE", "trailersx", false},
    {"with a weight, which it cannot have", "TE", "trailers;q=0", false},
    {"nothing", "TE", "", false},
    {"announcing some is no wish for any", "Trailer", "trailers", false},
    {"another field", "T", "trailers", false},
};

START_TEST(C11_knows_who_wants_trailers)
{
    struct http_field fields[] = {{span_from_str("Accept"), span_from_str("trailers")}, {span_from_str(wishes[_i].name), span_from_str(wishes[_i].value)}};
    struct http_head h = {.request = true, .fields = fields, .n_fields = 2};
    ck_assert_msg(http_trailers_are_wanted(&h) == wishes[_i].wanted, "%s", wishes[_i].why);
}
END_TEST

static const struct {
    const char *why, *name, *value;
    bool wanted;
    enum http_framing framing;
    bool pass;
} messages[] = {
    {"nobody wants them", "X", "y", false, HTTP_CHUNKED, false},
    {"wanted", "X", "y", true, HTTP_CHUNKED, true},
    {"a body that has no place for them", "X", "y", true, HTTP_LENGTH, false},
    {"gRPC", "Content-Type", "application/grpc", false, HTTP_CHUNKED, true},
    {"gRPC of some kind", "content-type", "application/grpc+proto", false, HTTP_CHUNKED, true},
    {"gRPC for browsers, which has them in the body", "Content-Type", "application/grpc-web-text", false, HTTP_CHUNKED, false},
    {"gRPC with parameters", "Content-Type", "Application/gRPC; a=b", false, HTTP_CHUNKED, true},
    {"a type that begins so", "Content-Type", "application/grpcx", false, HTTP_CHUNKED, false},
    {"a type that holds it", "Content-Type", "text/plain; application/grpc", false, HTTP_CHUNKED, false},
    {"gRPC in another field", "Content-Types", "application/grpc", false, HTTP_CHUNKED, false},
    {"gRPC without chunks", "Content-Type", "application/grpc", false, HTTP_LENGTH, false},
    {"Connection says what it always says", "Connection", "close, TE, Upgrade, keep-alive", true, HTTP_CHUNKED, true},
    {"Connection names a field", "Connection", "TE, X-Role", true, HTTP_CHUNKED, false},
    {"one that never is a trailer", "Connection", "X-SSL-Client-CN, Transfer-Encoding", true, HTTP_CHUNKED, true},
};

START_TEST(C11_trailers_pass_where_they_are_wanted_or_grpc)
{
    struct http_field fields[] = {{span_from_str("A"), span_from_str("b")}, {span_from_str(messages[_i].name), span_from_str(messages[_i].value)}};
    struct http_head h = {.fields = fields, .n_fields = 2, .framing = messages[_i].framing};
    ck_assert_msg(http_trailers_may_pass(&h, messages[_i].wanted) == messages[_i].pass, "%s", messages[_i].why);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_trailers");
    TCase *tc = tcase_create("trailers");
    tcase_add_loop_test(tc, C11_knows_who_wants_trailers, 0, (int)(sizeof(wishes) / sizeof(wishes[0])));
    tcase_add_loop_test(tc, C11_trailers_pass_where_they_are_wanted_or_grpc, 0, (int)(sizeof(messages) / sizeof(messages[0])));
    suite_add_tcase(s, tc);
    return s;
}
