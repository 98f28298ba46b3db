/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "mtlsd/policy/allow.h"

#include <stdio.h>
#include <string.h>

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SPKI "ff112233445566778899aabbccddeeff00112233445566778899aabbccddee00"

static const struct tls_verdict valid = {.status = REASON_VALID};

enum { MAX_NAMES = 4 };

struct text_name {
    enum tls_name_type type;
    const char *value;
    size_t len; /* 0: up to the NUL */
};

static struct tls_peer make_peer(const struct text_name *from, struct tls_name *names)
{
    struct tls_peer peer = {.issuer = "CN=Ops CA,O=Example", .by_anchor = true, .serial = "1a2b", .sha256 = SHA, .spki_sha256 = SPKI, .names = names};
    for (size_t i = 0; i < MAX_NAMES && from[i].value != NULL; i++) {
        size_t len = from[i].len > 0 ? from[i].len : strlen(from[i].value);
        names[peer.n_names++] = (struct tls_name){from[i].type, span_of(from[i].value, len)};
    }
    return peer;
}

static const struct row {
    const char *rule;
    struct text_name names[MAX_NAMES];
    bool permitted;
    const char *why;
} rows[] = {
    {"cn=web-1", {{TLS_NAME_CN, "web-1", 0}}, true, "the plain case"},
    {"cn=web-1", {{TLS_NAME_CN, "web-2", 0}}, false, "another name"},
    {"cn=web-1", {{TLS_NAME_CN, "WEB-1", 0}}, false, "A6: case-sensitive"},
    {"cn=web-1", {{TLS_NAME_CN, "web-10", 0}}, false, "A6: no prefix match"},
    {"cn=web-1", {{TLS_NAME_CN, "my-web-1", 0}}, false, "A6: no suffix match"},
    {"cn=web-1", {{TLS_NAME_CN, "web-1 ", 0}}, false, "A6: trailing space is another name"},
    {"ou=admin", {{TLS_NAME_OU, "users", 0}, {TLS_NAME_OU, "admin", 0}}, true, "A6: any value of a multi-valued OU"},
    {"ou=admin", {{TLS_NAME_OU, "users", 0}, {TLS_NAME_OU, "administrators", 0}}, false, "A6: no substring"},
    {"ou=admin", {{TLS_NAME_CN, "admin", 0}}, false, "A5: OU rule never looks at CN"},
    {"ou=admin", {{TLS_NAME_O, "admin", 0}}, false, "A5: nor at O"},
    {"o=admin", {{TLS_NAME_CN, "x,O=admin", 0}}, false, "A5: a name printed inside another"},
    {"cn=a", {{TLS_NAME_CN, "b", 0}, {TLS_NAME_CN, "a", 0}}, false, "A6: of two CNs none counts"},
    {"cn=a", {{TLS_NAME_CN, "a", 0}, {TLS_NAME_CN, "a", 0}}, false, "A6: nor of the same twice"},
    {"cn=**", {{TLS_NAME_CN, "a", 0}, {TLS_NAME_CN, "b", 0}}, false, "A6: not even **"},
    {"ou=admin", {{TLS_NAME_OU, "admin\0x", 7}}, false, "A5: embedded NUL matches nothing"},
    {"cn=**", {{TLS_NAME_CN, "admin\0x", 7}}, false, "A5: not even ** takes a NUL"},
    {"ou=*", {{TLS_NAME_OU, "a\nb", 0}}, false, "A6: a newline matches nothing"},
    {"ou=*", {{TLS_NAME_OU, "a\x7f", 0}}, false, "A6: DEL matches nothing"},
    {"ou=*", {{TLS_NAME_OU, "\0o\0p\0s", 6}}, false, "A6: BMPString bytes are not text"},
    {"ou=ops", {{TLS_NAME_OU, "\0o\0p\0s", 6}}, false, "A6: BMPString is not folded to text"},
    {"cn=**", {{TLS_NAME_CN, "", 0}}, false, "an empty value is no name"},
    {"cn=admin", {{TLS_NAME_CN, "\xd0\xb0" "dmin", 0}}, false, "A5: Cyrillic homoglyph"},
    {"o=M\xc3\xbcller AG", {{TLS_NAME_O, "M\xc3\xbcller AG", 0}}, true, "UTF-8 in a subject compares byte for byte"},
    {"ou=ops*", {{TLS_NAME_OU, "ops.europe", 0}}, true, "an OU has no labels"},
    {"cn=*.example", {{TLS_NAME_CN, "a.example", 0}}, true, "star is one label"},
    {"cn=*.example", {{TLS_NAME_CN, "a.b.example", 0}}, false, "star does not cross a label"},
    {"cn=**.example", {{TLS_NAME_CN, "a.b.example", 0}}, true, "two stars do"},
    {"cn=*.example", {{TLS_NAME_CN, "a b.example", 0}}, false, "A16: a pattern of hosts is for hosts, which alone are constrained"},
    {"cn=**.example", {{TLS_NAME_CN, "a/b.example", 0}}, false, "A16: nor with a slash"},
    {"cn=*.example", {{TLS_NAME_CN, "b\xc3\xbc" "cher.example", 0}}, false, "A16: nor in other letters"},
    {"cn=**.example", {{TLS_NAME_CN, "a..example", 0}}, false, "A16, A15: an empty label"},
    {"cn=**.example", {{TLS_NAME_CN, "*.example", 0}}, false, "A16: a wildcard"},
    {"cn=*.2 *", {{TLS_NAME_CN, "Billing Service.2 x", 0}}, true, "a pattern of words is for words"},
    {"cn=Bill*", {{TLS_NAME_CN, "Billing Service", 0}}, true, "a pattern without a dot too"},
    {"cn=**", {{TLS_NAME_CN, "Billing Service 2.0", 0}}, true, "and one for all"},
    {"cn=a b.example", {{TLS_NAME_CN, "a b.example", 0}}, true, "written out it is meant"},

    {"dns=api.example.com", {{TLS_NAME_DNS, "API.Example.com", 0}}, true, "host names compare without case"},
    {"dns=API.example.com", {{TLS_NAME_DNS, "api.example.com", 0}}, true, "in the pattern too"},
    {"dns=*.example.com", {{TLS_NAME_DNS, "a.example.com", 0}}, true, "one label"},
    {"dns=*.example.com", {{TLS_NAME_DNS, "example.com", 0}}, false, "no label"},
    {"dns=*.example.com", {{TLS_NAME_DNS, ".example.com", 0}}, false, "an empty label"},
    {"dns=*.example.com", {{TLS_NAME_DNS, "a.example.com.evil.org", 0}}, false, "no prefix match"},
    {"dns=*.example.com", {{TLS_NAME_DNS, "aXexample.com", 0}}, false, "a dot is a dot"},
    {"dns=api.example.com", {{TLS_NAME_CN, "api.example.com", 0}}, false, "A5: DNS text in the CN"},
    {"dns=api.example.com", {{TLS_NAME_EMAIL, "api.example.com", 0}}, false, "A5: DNS text in an email SAN"},
    {"dns=api.example.com", {{TLS_NAME_URI, "api.example.com", 0}}, false, "A5: DNS text in a URI SAN"},
    {"dns=**", {{TLS_NAME_DNS, "\xc3\xa4.example", 0}}, false, "an IA5String has no byte above 0x7e"},
    {"dns=a.example", {{TLS_NAME_DNS, "a.example,DNS:b.example", 0}}, false, "A5: a comma does not start a new name"},
    {"dns=b.example", {{TLS_NAME_DNS, "a.example,DNS:b.example", 0}}, false, "A5: nor does it end one"},

    {"dns=*.example.com", {{TLS_NAME_DNS, "*.example.com", 0}}, false, "a wildcard certificate is nobody's name"},
    {"dns=**", {{TLS_NAME_DNS, "*", 0}}, false, "nor is a star"},
    {"dns=**", {{TLS_NAME_DNS, "a b.example", 0}}, false, "a space stands in no host name"},
    {"dns=**", {{TLS_NAME_DNS, "a.example/x", 0}}, false, "nor does a slash"},
    {"dns=**", {{TLS_NAME_DNS, "a.example:443", 0}}, false, "nor a port"},
    {"dns=**", {{TLS_NAME_DNS, "xn--mnchen-3ya.example", 0}}, true, "an IDN as DNS has it"},
    {"dns=a_b.example", {{TLS_NAME_DNS, "a_b.example", 0}}, true, "an underscore, as some hosts have"},
    {"o=M\xc3\xbcller", {{TLS_NAME_O, "M\xfcller", 0}}, false, "A6: T61String bytes are not folded to UTF-8"},
    {"ou=ops,cn=web", {{TLS_NAME_OU, "x", 0}, {TLS_NAME_CN, "web", 0}, {TLS_NAME_OU, "ops", 0}}, true, "A6: whatever the order"},
    {"cn=a,ou=b", {{TLS_NAME_CN, "b", 0}, {TLS_NAME_OU, "a", 0}}, false, "A5: keys do not change places"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, ".ops.example", 0}}, false, "A15: an empty label"},
    {"dns=**.ops.example", {{TLS_NAME_DNS, ".ops.example", 0}}, false, "A15: two stars may be empty, a label may not"},
    {"dns=**", {{TLS_NAME_DNS, "a..ops.example", 0}}, false, "A15: an empty label inside"},
    {"dns=**", {{TLS_NAME_DNS, "a.ops.example.", 0}}, false, "A15: a dot at the end"},
    {"dns=**", {{TLS_NAME_DNS, "::1", 0}}, false, "A15: an address"},
    {"dns=**", {{TLS_NAME_DNS, "a\001.ops.example", 0}}, false, "A15: a control byte"},
    {"dns=**", {{TLS_NAME_DNS, "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-0123456789.example", 0}}, false, "A15: a label of 64 bytes"},
    {"dns=a_b.ops.example", {{TLS_NAME_DNS, "A_b.ops.example", 0}}, true, "real hosts have underscores"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, ".ops.example", 0}, {TLS_NAME_DNS, "a.ops.example", 0}}, true, "A15: the well-formed one of two counts"},
    {"email=*@ops.example", {{TLS_NAME_EMAIL, "a@.ops.example", 0}}, false, "A15: a domain with an empty label"},
    {"email=*@**", {{TLS_NAME_EMAIL, "a@b..ops.example", 0}}, false, "A15: inside too"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://corp/web", 0}}, true, "the plain case"},
    {"uri=spiffe://corp/*/web", {{TLS_NAME_URI, "spiffe://corp/prod/web", 0}}, true, "star is one segment"},
    {"uri=spiffe://corp/*/web", {{TLS_NAME_URI, "spiffe://corp/a/b/web", 0}}, false, "star does not cross a segment"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a/b/web", 0}}, true, "two stars do"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp.evil/web", 0}}, false, "the trust domain is exact"},
    {"uri=spiffe://corp/web", {{TLS_NAME_DNS, "spiffe://corp/web", 0}}, false, "A5: SPIFFE text in a DNS SAN"},
    {"uri=spiffe://corp/web", {{TLS_NAME_EMAIL, "spiffe://corp/web", 0}}, false, "A5: in an email SAN"},
    {"uri=spiffe://corp/web", {{TLS_NAME_CN, "spiffe://corp/web", 0}}, false, "A5: in the CN"},
    {"uri=spiffe://corp/web", {{TLS_NAME_OTHER, "spiffe://corp/web", 0}}, false, "A5: in an otherName"},
    {"uri=spiffe://corp/web",
     {{TLS_NAME_URI, "spiffe://corp/web", 0}, {TLS_NAME_URI, "https://x/", 0}},
     false,
     "A5: a SPIFFE ID must be the only URI"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://corp/%77eb", 0}}, false, "A5: percent-encoding is not decoded"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/%77eb", 0}}, false, "A5: nor is it let through"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a/../b", 0}}, false, "A5: dot segments"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp//b", 0}}, false, "A5: empty segment"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/b/", 0}}, false, "A5: trailing slash"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/b?x=1", 0}}, false, "A5: query"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/b#x", 0}}, false, "A5: fragment"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://corp:443/web", 0}}, false, "A5: port"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://me@corp/web", 0}}, false, "A5: user"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "SPIFFE://corp/web", 0}}, false, "A5: byte compare, the scheme included"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://Corp/web", 0}}, false, "A5: byte compare"},
    {"uri=spiffe://corp", {{TLS_NAME_URI, "spiffe://corp", 0}}, true, "the ID of a trust domain itself"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp", 0}}, false, "is not below it"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/", 0}}, false, "A5: nor is an empty path"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe:///web", 0}}, false, "A5: no trust domain"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe:/corp/web", 0}}, false, "A5: one slash"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/w\0b", 17}}, false, "A5: embedded NUL"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a\nb", 0}}, false, "A5: newline"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a,URI:spiffe://corp/b", 0}}, false, "A5: a comma does not start a new name"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/w\xd0\xb5" "b", 0}}, false, "A5: Cyrillic homoglyph"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a", 0}, {TLS_NAME_URI, "spiffe://corp/b", 0}}, false, "A5: two of them"},
    {"uri=spiffe://corp/**", {{TLS_NAME_URI, "spiffe://corp/a", 0}, {TLS_NAME_DNS, "a.example", 0}}, true, "beside other types it may stand"},
    {"uri=https://x/",
     {{TLS_NAME_URI, "spiffe://corp/a", 0}, {TLS_NAME_URI, "https://x/", 0}},
     true,
     "what is no SPIFFE ID is compared as what it is"},
    {"uri=https://a.example/x",
     {{TLS_NAME_URI, "https://b.example/", 0}, {TLS_NAME_URI, "https://a.example/x", 0}},
     true,
     "other URIs may be several"},

    {"email=joe@example.com", {{TLS_NAME_EMAIL, "joe@Example.COM", 0}}, true, "the domain is a host name"},
    {"email=joe@example.com", {{TLS_NAME_EMAIL, "Joe@example.com", 0}}, false, "the local part is not"},
    {"email=*@example.com", {{TLS_NAME_EMAIL, "a.b@example.com", 0}}, true, "anybody of a domain"},
    {"email=*@example.com", {{TLS_NAME_EMAIL, "a@sub.example.com", 0}}, false, "not of a domain below"},
    {"email=*@example.com", {{TLS_NAME_EMAIL, "a@evil.org@example.com", 0}}, false, "a second @"},
    {"email=joe@**", {{TLS_NAME_EMAIL, "joe@evil.org@example.com", 0}}, false, "a second @ hides which domain it is"},
    {"email=*@example.com", {{TLS_NAME_EMAIL, "@example.com", 0}}, false, "nobody"},
    {"email=joe@example.com", {{TLS_NAME_DNS, "joe@example.com", 0}}, false, "A5: in a DNS SAN"},

    {"ip=10.1.2.3", {{TLS_NAME_IP, "\x0a\x01\x02\x03", 4}}, true, "an address"},
    {"ip=10.1.2.4", {{TLS_NAME_IP, "\x0a\x01\x02\x03", 4}}, false, "another"},
    {"ip=10.1.0.0/16", {{TLS_NAME_IP, "\x0b\0\0\1", 4}, {TLS_NAME_IP, "\x0a\x01\x02\x03", 4}}, true, "any of several, in a range"},
    {"ip=10.2.0.0/16", {{TLS_NAME_IP, "\x0a\x01\x02\x03", 4}}, false, "another range"},
    {"ip=::1", {{TLS_NAME_IP, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16}}, true, "IPv6, zeros and all"},
    {"ip=10.1.2.3", {{TLS_NAME_IP, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03", 16}}, false, "A5: mapped is another type of address"},
    {"ip=0.0.0.0/0", {{TLS_NAME_IP, "\x0a\x01\x02\x03\xff\xff\xff\xff", 8}}, false, "A5: an address with a mask is none"},
    {"ip=10.1.2.3", {{TLS_NAME_DNS, "10.1.2.3", 0}}, false, "A5: address text in a DNS SAN"},
    {"ip=10.1.2.3", {{TLS_NAME_CN, "10.1.2.3", 0}}, false, "A5: in the CN"},
    {"dns=10.1.2.3", {{TLS_NAME_IP, "\x0a\x01\x02\x03", 4}}, false, "A5: an address is no name"},
    {"ip=46.46.46.46", {{TLS_NAME_CN, "....", 0}}, false, "A5: the same bytes of another type"},
    {"issuer=CN=Ops CA\\,O=Example", {{TLS_NAME_CN, "x", 0}}, true, "the whole issuer"},
    {"issuer=CN=Ops CA", {{TLS_NAME_CN, "x", 0}}, false, "no prefix match"},
    {"issuer=CN=*\\,O=Example", {{TLS_NAME_CN, "x", 0}}, true, "star inside one part"},
    {"serial=1A:2B", {{TLS_NAME_CN, "x", 0}}, true, "colons and case do not matter"},
    {"serial=001a2b", {{TLS_NAME_CN, "x", 0}}, true, "leading zeros do not matter"},
    {"serial=1a2b00", {{TLS_NAME_CN, "x", 0}}, false, "trailing ones do"},
    {"serial=1a2", {{TLS_NAME_CN, "x", 0}}, false, "no prefix match"},
    {"fingerprint=" SHA, {{TLS_NAME_CN, "x", 0}}, true, "SHA-256 of the certificate"},
    {"fingerprint=" SPKI, {{TLS_NAME_CN, "x", 0}}, false, "the key's is another thing"},
    {"spki=" SPKI, {{TLS_NAME_CN, "x", 0}}, true, "SHA-256 of the key"},
    {"ou=ops,cn=web-1", {{TLS_NAME_CN, "web-1", 0}, {TLS_NAME_OU, "ops", 0}}, true, "all keys hold"},
    {"ou=ops,cn=web-1", {{TLS_NAME_CN, "web-1", 0}, {TLS_NAME_OU, "dev", 0}}, false, "one key does not"},
    {"ou=ops,cn=web-1", {{TLS_NAME_CN, "web-1", 0}}, false, "one key is absent"},
};

START_TEST(matches_typed_names_and_nothing_else)
{
    const struct row *row = &rows[_i];
    struct config_allow rule;
    struct err err = {0};
    ck_assert_msg(allow_rule_parse(row->rule, &rule, &err) == 0, "%s: %s", row->rule, err.text);
    struct tls_name names[MAX_NAMES];
    struct tls_peer peer = make_peer(row->names, names);
    bool got = allow_permits(&rule, 1, &valid, &peer);
    ck_assert_msg(got == row->permitted, "%s against \"%s\": %s", row->rule, row->names[0].value, row->why);
    allow_rule_clear(&rule);
}
END_TEST

/* A2: whatever the rule, only "valid" is valid. */
START_TEST(spares_nobody_whose_certificate_is_not_valid) /* A2 */
{
    struct tls_verdict verdict = {.status = (enum reason)_i};
    ck_assert(allow_spares(&verdict) == (_i == REASON_VALID || _i == REASON_NONE));
    ck_assert(!allow_spares(NULL));
}
END_TEST

static const struct doubt_row {
    const char *rule;
    struct text_name names[MAX_NAMES];
    bool in_doubt;
    const char *why;
} doubts[] = {
    {"dns=*.ops.example", {{TLS_NAME_DNS, "a.dev.example", 0}}, false, "another name is no doubt"},
    {"dns=*.ops.example", {{TLS_NAME_CN, "x", 0}}, false, "no name either"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, ".ops.example", 0}}, true, "an empty label"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, "a.dev.example", 0}, {TLS_NAME_DNS, "a..b", 0}}, true, "in any of the names"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, "*.ops.example", 0}}, true, "a wildcard"},
    {"dns=*.ops.example", {{TLS_NAME_DNS, "a\0.ops.example", 15}}, true, "a NUL"},
    {"dns=*.ops.example", {{TLS_NAME_EMAIL, "a@b@c", 0}}, false, "of a type that is not asked about"},
    {"email=*@ops.example", {{TLS_NAME_EMAIL, "a@b@ops.example", 0}}, true, "two domains"},
    {"email=*@ops.example", {{TLS_NAME_EMAIL, "ops.example", 0}}, true, "none"},
    {"email=*@ops.example", {{TLS_NAME_EMAIL, "a@dev.example", 0}}, false, "one"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://corp//web", 0}}, true, "no SPIFFE ID"},
    {"uri=spiffe://corp/web", {{TLS_NAME_URI, "spiffe://corp/a", 0}, {TLS_NAME_URI, "x:y", 0}}, true, "one beside another URI"},
    {"uri=x:y", {{TLS_NAME_URI, "x:z", 0}}, false, "another URI"},
    {"cn=web", {{TLS_NAME_CN, "we\nb", 0}}, true, "a control byte in the CN"},
    {"ou=ops", {{TLS_NAME_OU, "", 0}, {TLS_NAME_CN, "x", 0}}, true, "an empty OU"},
    {"ip=10.0.0.0/8", {{TLS_NAME_DNS, ".ops.example", 0}}, false, "addresses are bytes"},
    {"cn=*.ops.example", {{TLS_NAME_CN, ".ops.example", 0}}, true, "a host with an empty label in the CN"},
    {"cn=*.ops.example", {{TLS_NAME_CN, "a b.ops.example", 0}}, true, "a host to some"},
    {"cn=*.ops.example", {{TLS_NAME_CN, "Billing Service", 0}}, false, "no host to anybody"},
};

/* What is not in a name: A6 and A15 together. */
START_TEST(tells_when_several_cns_or_an_unproven_issuer_leave_a_doubt)
{
    const struct {
        const char *why, *rule;
        struct tls_peer peer;
        bool in_doubt;
    } cases[] = {
        {"two CNs", "cn=x", {.n_cns = 2, .issuer = "CN=A"}, true},
        {"one", "cn=x", {.n_cns = 1, .issuer = "CN=A"}, false},
        {"two that are not asked about", "ou=x", {.n_cns = 2, .issuer = "CN=A"}, false},
        {"an OU in letters of its own", "ou=x", {.has_odd_names = true, .issuer = "CN=A"}, true},
        {"one that is not asked about", "dns=x.example", {.has_odd_names = true, .issuer = "CN=A"}, false},
        {"an issuer of that name that was only sent", "issuer=CN=A", {.issuer = "CN=A"}, true},
        {"one of another name", "issuer=CN=A", {.issuer = "CN=B"}, false},
        {"one that is known and another", "issuer=CN=A", {.issuer = "CN=B", .by_anchor = true}, false},
        {"one whose name is too long", "issuer=CN=A", {.issuer = "CN=B", .issuer_cut = true, .by_anchor = true}, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_allow rule;
        ck_assert_int_eq(allow_rule_parse(cases[i].rule, &rule, NULL), 0);
        ck_assert_msg(allow_is_in_doubt(&rule, 1, &valid, &cases[i].peer) == cases[i].in_doubt, "%s", cases[i].why);
        ck_assert(!allow_permits(&rule, 1, &valid, &cases[i].peer));
        allow_rule_clear(&rule);
    }
}
END_TEST

START_TEST(tells_when_a_name_that_cannot_be_read_leaves_a_doubt) /* A15 */
{
    const struct doubt_row *row = &doubts[_i];
    struct config_allow rule;
    struct tls_name names[MAX_NAMES];
    struct tls_peer peer = make_peer(row->names, names);
    const struct tls_verdict expired = {.status = REASON_EXPIRED};
    ck_assert_int_eq(allow_rule_parse(row->rule, &rule, NULL), 0);
    ck_assert_msg(allow_is_in_doubt(&rule, 1, &valid, &peer) == row->in_doubt, "%s: %s", row->rule, row->why);
    ck_assert(!row->in_doubt || !allow_permits(&rule, 1, &valid, &peer));
    ck_assert(!allow_is_in_doubt(&rule, 0, &valid, &peer) && !allow_is_in_doubt(&rule, 1, &expired, &peer));
    ck_assert(!allow_is_in_doubt(&rule, 1, &valid, NULL) && !allow_is_in_doubt(&rule, 1, NULL, &peer));
    allow_rule_clear(&rule);
}
END_TEST

START_TEST(lets_only_a_valid_status_pass)
{
    static const char *const texts[] = {NULL, "cn=web-1", "ou=ops", "o=Example", "dns=**", "uri=x:**", "email=*@**", "ip=0.0.0.0/0",
                                        "issuer=CN=**", "serial=1a2b", "fingerprint=" SHA, "spki=" SPKI};
    struct text_name from[MAX_NAMES] = {{TLS_NAME_CN, "web-1", 0}, {TLS_NAME_OU, "ops", 0}, {TLS_NAME_DNS, "a.b", 0}, {TLS_NAME_URI, "x:y", 0}};
    struct tls_name names[MAX_NAMES];
    struct tls_peer peer = make_peer(from, names);
    struct tls_verdict verdict = {.status = (enum reason)_i};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config_allow rule = {0};
        if (texts[i] != NULL)
            ck_assert_int_eq(allow_rule_parse(texts[i], &rule, NULL), 0);
        bool got = allow_permits(&rule, texts[i] != NULL ? 1 : 0, &verdict, &peer);
        if (_i != REASON_VALID)
            ck_assert_msg(!got, "status %d passed rule %s", _i, texts[i] != NULL ? texts[i] : "(none)");
        ck_assert(!allow_permits(&rule, texts[i] != NULL ? 1 : 0, &verdict, NULL));
        allow_rule_clear(&rule);
    }
}
END_TEST

START_TEST(lets_every_valid_peer_pass_without_rules)
{
    struct tls_peer peer = {.n_names = 0};
    ck_assert(allow_permits(NULL, 0, &valid, &peer));
    ck_assert(!allow_permits(NULL, 0, &valid, NULL));
    ck_assert(!allow_permits(NULL, 0, NULL, &peer));
}
END_TEST

START_TEST(lets_nobody_pass_a_rule_without_keys)
{
    struct tls_peer peer = {.n_names = 0};
    struct config_allow rule = {0};
    ck_assert(!allow_permits(&rule, 1, &valid, &peer));
}
END_TEST

START_TEST(names_the_first_key_that_does_not_hold)
{
    static const struct {
        const char *rule, *miss;
    } misses[] = {{"cn=web-1,ou=ops", NULL}, {"ou=dev,cn=web-2", "cn"}, {"ou=dev,cn=web-1", "ou"}, {"cn=web-1,spki=" SHA, "spki"}};
    struct text_name from[MAX_NAMES] = {{TLS_NAME_CN, "web-1", 0}, {TLS_NAME_OU, "ops", 0}};
    struct tls_name names[MAX_NAMES];
    struct tls_peer peer = make_peer(from, names);
    for (size_t i = 0; i < sizeof(misses) / sizeof(misses[0]); i++) {
        struct config_allow rule;
        ck_assert_int_eq(allow_rule_parse(misses[i].rule, &rule, NULL), 0);
        ck_assert_pstr_eq(allow_first_miss(&rule, &peer), misses[i].miss);
        allow_rule_clear(&rule);
    }
    struct config_allow empty = {0};
    ck_assert_pstr_eq(allow_first_miss(&empty, &peer), "");
}
END_TEST

START_TEST(lets_nobody_pass_a_rule_whose_value_is_empty)
{
    struct tls_name empty[] = {{TLS_NAME_CN, span_of("", 0)},  {TLS_NAME_OU, span_of("", 0)},  {TLS_NAME_O, span_of("", 0)},
                               {TLS_NAME_DNS, span_of("", 0)}, {TLS_NAME_URI, span_of("", 0)}, {TLS_NAME_EMAIL, span_of("", 0)}};
    struct tls_peer peer = {.issuer = "", .by_anchor = true, .serial = "", .names = empty, .n_names = 6};
    char nothing[] = "", colons[] = "::";
    struct config_allow rules[] = {{.cn = nothing},    {.ou = nothing},    {.o = nothing},      {.dns = nothing},       {.uri = nothing},
                                   {.email = nothing}, {.ip = nothing},     {.issuer = nothing}, {.serial = nothing}, {.fingerprint = nothing}, {.spki = nothing},
                                   {.serial = colons}, {.spki = colons}};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        ck_assert_msg(!allow_permits(&rules[i], 1, &valid, &peer), "rule %zu", i);
}
END_TEST

START_TEST(needs_only_one_rule_of_several)
{
    struct config_allow rules[2];
    ck_assert_int_eq(allow_rule_parse("cn=a", &rules[0], NULL) | allow_rule_parse("cn=b", &rules[1], NULL), 0);
    struct tls_name names[MAX_NAMES];
    struct text_name b[MAX_NAMES] = {{TLS_NAME_CN, "b", 0}}, c[MAX_NAMES] = {{TLS_NAME_CN, "c", 0}};
    struct tls_peer peer = make_peer(b, names);
    ck_assert(allow_permits(rules, 2, &valid, &peer));
    peer = make_peer(c, names);
    ck_assert(!allow_permits(rules, 2, &valid, &peer));
    allow_rule_clear(&rules[0]);
    allow_rule_clear(&rules[1]);
}
END_TEST

/* A6: the name alone is what any CA below the trust's could have chosen. */
START_TEST(does_not_believe_an_issuer_that_only_the_peer_sent)
{
    static char whole[] = "CN=Ops CA", part[] = "CN=*", any[] = "**";
    char *const issuers[] = {whole, part, any};
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        struct config_allow rule = {.issuer = issuers[i]};
        struct tls_peer peer = {.issuer = "CN=Ops CA"};
        ck_assert_str_eq(allow_first_miss(&rule, &peer), "issuer");
        peer.by_anchor = true;
        ck_assert_ptr_null(allow_first_miss(&rule, &peer));
    }
}
END_TEST

/* A5: a CN "Ops,O=Example" is printed as "CN=Ops\,O=Example"; a star must not read that as two parts. */
START_TEST(does_not_compare_an_issuer_that_was_cut)
{
    static char whole[] = "CN=Ops CA", part[] = "CN=*", any[] = "**";
    char *const issuers[] = {whole, part, any};
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        struct config_allow rule = {.issuer = issuers[i]};
        struct tls_peer peer = {.issuer = "CN=Ops CA", .by_anchor = true};
        ck_assert_ptr_null(allow_first_miss(&rule, &peer));
        peer.issuer_cut = true;
        ck_assert_str_eq(allow_first_miss(&rule, &peer), "issuer");
    }
}
END_TEST

START_TEST(does_not_let_an_escaped_issuer_pass_for_two_parts)
{
    struct config_allow rule;
    ck_assert_int_eq(allow_rule_parse("issuer=CN=Ops*\\,O=Example", &rule, NULL), 0);
    struct tls_peer peer = {.issuer = "CN=Ops\\,O=Example", .by_anchor = true};
    ck_assert(!allow_permits(&rule, 1, &valid, &peer));
    allow_rule_clear(&rule);
}
END_TEST

/* A5: also when a configuration file has such a rule, which no parser of ours refused. */
START_TEST(asks_for_a_trust_domain_that_is_written_out)
{
    static char patterns[][40] = {"spiffe://*/web", "spiffe://**", "spiffe://c*rp/web", "spiffe://corp*/web", "spiffe:///web",
                                  "spiffe:**",      "**",          "*piffe://corp/web", "spiffe:/*/corp/web"};
    struct tls_name name = {TLS_NAME_URI, span_from_str("spiffe://corp/web")};
    struct tls_peer peer = {.names = &name, .n_names = 1};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct config_allow rule = {.uri = patterns[i]};
        ck_assert_msg(!allow_permits(&rule, 1, &valid, &peer), "A5: %s let another trust domain in", patterns[i]);
    }
    struct config_allow any = {.uri = patterns[6]};
    name.value = span_from_str("https://a.example/");
    ck_assert(allow_permits(&any, 1, &valid, &peer)); /* other URIs have no trust domain */
}
END_TEST

/* A5: SPIFFE-ID sections 2.1 and 2.3 limit the whole and the trust domain. */
START_TEST(takes_no_spiffe_id_that_is_too_long)
{
    static char text[2100];
    char domain[300], pattern[400];
    struct tls_name name = {TLS_NAME_URI, {NULL, 0}};
    struct tls_peer peer = {.names = &name, .n_names = 1};
    struct config_allow rule = {.uri = pattern};
    for (int n = 255; n <= 256; n++) {
        memset(domain, 'd', sizeof(domain));
        domain[n] = '\0';
        snprintf(pattern, sizeof(pattern), "spiffe://%s/x", domain);
        name.value = span_from_str(pattern);
        ck_assert(allow_permits(&rule, 1, &valid, &peer) == (n == 255));
    }
    snprintf(pattern, sizeof(pattern), "spiffe://corp/**");
    memset(text, 'p', sizeof(text));
    memcpy(text, "spiffe://corp/", strlen("spiffe://corp/"));
    name.value = span_of(text, 2048);
    ck_assert(allow_permits(&rule, 1, &valid, &peer));
    name.value = span_of(text, 2049);
    ck_assert(!allow_permits(&rule, 1, &valid, &peer));
}
END_TEST

/* A5: names longer than anything a directory would hold. */
START_TEST(survives_names_of_any_length)
{
    static char huge[100000];
    memset(huge, 'a', sizeof(huge));
    static const char *const texts[] = {"cn=*a", "dns=**", "uri=a:**b", "email=*@a"};
    static const enum tls_name_type types[] = {TLS_NAME_CN, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_EMAIL};
    for (size_t i = 0; i < 4; i++) {
        struct config_allow rule;
        ck_assert_int_eq(allow_rule_parse(texts[i], &rule, NULL), 0);
        struct tls_name name = {types[i], span_of(huge, sizeof(huge))};
        struct tls_peer peer = {.names = &name, .n_names = 1};
        ck_assert(allow_permits(&rule, 1, &valid, &peer) == (i == 0));
        allow_rule_clear(&rule);
    }
}
END_TEST

#define COUNTRY "2.5.4.6"
#define LOCALITY "2.5.4.7"
#define STATE "2.5.4.8"
#define COMMON_NAME "2.5.4.3"
#define DER(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define POLICY_ONE DER("\x30\x07\x30\x05\x06\x03\x2a\x03\x01")

enum outcome { PERMITTED, MISSED, DOUBTED };
static const struct certificate_row {
    const char *why, *rule;
    struct certs_order order;
    enum outcome outcome;
} certificate_rows[] = {
    {"a country", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "DE")}}}, PERMITTED},
    {"in another string type of the same letters", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x0c\x02" "DE")}}}, PERMITTED},
    {"another country", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "FR")}}}, MISSED},
    {"A6: byte for byte", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "de")}}}, MISSED},
    {"A5: the letters in another part", "c=DE", {.cn = "DE", .parts = {{LOCALITY, DER("\x13\x02" "DE")}}}, MISSED},
    {"A6: of two countries none counts", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "DE")}, {COUNTRY, DER("\x13\x02" "FR")}}}, DOUBTED},
    {"A6: whatever the order", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "FR")}, {COUNTRY, DER("\x13\x02" "DE")}}}, DOUBTED},
    {"A6: nor with a star", "c=**", {.cn = "x", .parts = {{COUNTRY, DER("\x13\x02" "DE")}, {COUNTRY, DER("\x13\x02" "DE")}}}, DOUBTED},
    {"A5: embedded NUL", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x0c\x05" "DE\0FR")}}}, DOUBTED},
    {"A5: not even ** takes a NUL", "c=**", {.cn = "x", .parts = {{COUNTRY, DER("\x0c\x05" "DE\0FR")}}}, DOUBTED},
    {"A6: a BMPString", "c=DE", {.cn = "x", .parts = {{COUNTRY, DER("\x1e\x04\0D\0E")}}}, DOUBTED},
    {"A6: and its bytes", "c=**", {.cn = "x", .parts = {{COUNTRY, DER("\x1e\x04\0D\0E")}}}, DOUBTED},
    {"a locality in UTF-8", "l=M\xc3\xbcnchen", {.cn = "x", .parts = {{LOCALITY, DER("\x0c\x08" "M\xc3\xbcnchen")}}}, PERMITTED},
    {"A6: the same as a BMPString", "l=M\xc3\xbcnchen", {.cn = "x", .parts = {{LOCALITY, DER("\x1e\x0e\0M\0\xfc\0n\0c\0h\0e\0n")}}}, DOUBTED},
    {"A6: the same in Latin-1", "l=M\xc3\xbcnchen", {.cn = "x", .parts = {{LOCALITY, DER("\x14\x07" "M\xfcnchen")}}}, DOUBTED},
    {"a pattern", "st=Ba*", {.cn = "x", .parts = {{STATE, DER("\x13\x07" "Bavaria")}}}, PERMITTED},
    {"no state", "st=*", {.cn = "x"}, MISSED},
    {"all three", "c=DE,st=Bavaria,l=Munich", {.parts = {{COUNTRY, DER("\x13\x02" "DE")}, {STATE, DER("\x13\x07" "Bavaria")}, {LOCALITY, DER("\x13\x06" "Munich")}}}, PERMITTED},
    {"two of three", "c=DE,st=Bavaria,l=Munich", {.parts = {{COUNTRY, DER("\x13\x02" "DE")}, {STATE, DER("\x13\x07" "Bavaria")}, {LOCALITY, DER("\x13\x05" "Passo")}}}, MISSED},
    {"the whole subject", "subject=CN=web\\,OU=ops\\,O=Acme", {.cn = "web", .ou = "ops", .o = "Acme"}, PERMITTED},
    {"another order", "subject=O=Acme\\,OU=ops\\,CN=web", {.cn = "web", .ou = "ops", .o = "Acme"}, MISSED},
    {"a part less", "subject=CN=web\\,OU=ops", {.cn = "web", .ou = "ops", .o = "Acme"}, MISSED},
    {"a part more", "subject=CN=web\\,OU=ops\\,O=Acme\\,C=DE", {.cn = "web", .ou = "ops", .o = "Acme"}, MISSED},
    {"A6: byte for byte", "subject=CN=Web", {.cn = "web"}, MISSED},
    {"A17: a comma inside a value is no part", "subject=CN=web\\,O=Acme", {.cn = "web,O=Acme"}, MISSED},
    {"A17: written as it is", "subject=CN=web\\\\\\,O=Acme", {.cn = "web,O=Acme"}, PERMITTED},
    {"A6: two CNs are a subject", "subject=CN=b\\,CN=a", {.parts = {{COMMON_NAME, DER("\x13\x01" "a")}, {COMMON_NAME, DER("\x13\x01" "b")}}}, PERMITTED},
    {"A17: a BMPString has its own text", "subject=CN=web", {.parts = {{COMMON_NAME, DER("\x1e\x06\0w\0e\0b")}}}, DOUBTED},
    {"A5: embedded NUL", "subject=CN=web", {.parts = {{COMMON_NAME, DER("\x0c\x05" "web\0x")}}}, DOUBTED},
    {"no subject at all", "subject=CN=web", {.sans = {"dns:web"}}, MISSED},
    {"a policy of a certificate of the root", "policy=1.2.3.1", {.cn = "x", .policies = POLICY_ONE}, PERMITTED},
    {"another policy", "policy=1.2.3.2", {.cn = "x", .policies = POLICY_ONE}, MISSED},
    {"A16: anyPolicy names none", "policy=1.2.3.1", {.cn = "x", .policies = DER("\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00")}, DOUBTED},
    {"A16: policies that cannot be read", "policy=1.2.3.1", {.cn = "x", .policies = DER("\x30\x01\x30")}, DOUBTED},
};

/* A5, A6, A15, A17: of a real certificate, by the root itself. */
START_TEST(compares_what_only_the_certificate_tells)
{
    const struct certificate_row *row = &certificate_rows[_i];
    struct certs made;
    struct config_allow rule;
    struct err err = {0};
    ck_assert_msg(allow_rule_parse(row->rule, &rule, &err) == 0, "%s: %s", row->rule, err.text);
    certs_make(&row->order, &made);
    struct tls_peer *peer = tls_peer_new(made.der, &err);
    ck_assert_ptr_nonnull(peer);
    tls_peer_set_path(peer, NULL, 0, true);
    ck_assert_msg(allow_permits(&rule, 1, &valid, peer) == (row->outcome == PERMITTED), "%s: %s of %s", row->why, row->rule, peer->subject);
    ck_assert_msg(row->outcome == PERMITTED || allow_is_in_doubt(&rule, 1, &valid, peer) == (row->outcome == DOUBTED), "%s: %s of %s", row->why, row->rule, peer->subject);
    tls_peer_free(peer);
    certs_clear(&made);
    allow_rule_clear(&rule);
}
END_TEST

/* A16: a sub-CA that may not issue for a policy. */
START_TEST(a16_does_not_believe_a_policy_that_the_ca_does_not_have)
{
    struct certs root, ca, leaf;
    struct config_allow rule;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true, .policies = POLICY_ONE}, &root);
    certs_make(&(struct certs_order){.cn = "Sub", .ca = true, .issuer = &root}, &ca);
    certs_make(&(struct certs_order){.cn = "x", .issuer = &ca, .policies = POLICY_ONE}, &leaf);
    struct tls_peer *peer = tls_peer_new(leaf.der, NULL);
    tls_peer_set_path(peer, &ca.der, 1, false);
    ck_assert_int_eq(allow_rule_parse("policy=1.2.3.1", &rule, NULL), 0);
    ck_assert(!allow_permits(&rule, 1, &valid, peer) && allow_is_in_doubt(&rule, 1, &valid, peer));
    ck_assert_ptr_nonnull(strstr(allow_why_not(&rule, peer), "does not confirm the policy"));
    allow_rule_clear(&rule);
    tls_peer_free(peer);
    certs_clear(&leaf);
    certs_clear(&ca);
    certs_clear(&root);
}
END_TEST

START_TEST(an_attribute_is_that_of_the_row_in_the_registry)
{
    static char role[] = "role", ops[] = "ops", star[] = "o*", any[] = "**", owner[] = "owner";
    const struct tls_registry_pair pairs[] = {{span_from_str("owner"), span_from_str("billing")}, {span_from_str("role"), span_from_str("ops")}};
    struct tls_registry_text *row = tls_registry_text_new(pairs, 2);
    static const struct {
        struct config_header attributes[2];
        size_t n;
        bool with_row, without_row;
    } cases[] = {
        {{{role, ops}}, 1, true, false},
        {{{role, star}}, 1, true, false},
        {{{role, any}}, 1, true, false},
        {{{ops, any}}, 1, false, false},
        {{{role, ops}, {owner, ops}}, 2, false, false},
        {{{role, ops}, {owner, any}}, 2, true, false},
    };
    const struct tls_verdict good = {.status = REASON_VALID};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_allow rule = {.attribute = (struct config_header *)(uintptr_t)cases[i].attributes, .n_attribute = cases[i].n};
        const struct tls_peer with = {.registry = row}, without = {.registry = NULL};
        ck_assert_msg(allow_permits(&rule, 1, &good, &with) == cases[i].with_row, "case %zu", i);
        ck_assert_msg(allow_permits(&rule, 1, &good, &without) == cases[i].without_row, "case %zu", i);
    }
    tls_registry_text_unref(row);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("allow");
    TCase *t = tcase_create("allow");
    tcase_add_loop_test(t, tells_when_a_name_that_cannot_be_read_leaves_a_doubt, 0, (int)(sizeof(doubts) / sizeof(doubts[0])));
    tcase_add_test(t, tells_when_several_cns_or_an_unproven_issuer_leave_a_doubt);
    tcase_add_loop_test(t, matches_typed_names_and_nothing_else, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(t, lets_only_a_valid_status_pass, 0, REASON_COUNT);
    tcase_add_loop_test(t, spares_nobody_whose_certificate_is_not_valid, 0, REASON_COUNT);
    tcase_add_test(t, lets_every_valid_peer_pass_without_rules);
    tcase_add_test(t, an_attribute_is_that_of_the_row_in_the_registry);
    tcase_add_test(t, lets_nobody_pass_a_rule_without_keys);
    tcase_add_test(t, names_the_first_key_that_does_not_hold);
    tcase_add_test(t, lets_nobody_pass_a_rule_whose_value_is_empty);
    tcase_add_test(t, needs_only_one_rule_of_several);
    tcase_add_test(t, does_not_compare_an_issuer_that_was_cut);
    tcase_add_test(t, does_not_believe_an_issuer_that_only_the_peer_sent);
    tcase_add_test(t, does_not_let_an_escaped_issuer_pass_for_two_parts);
    tcase_add_test(t, asks_for_a_trust_domain_that_is_written_out);
    tcase_add_test(t, takes_no_spiffe_id_that_is_too_long);
    tcase_add_test(t, survives_names_of_any_length);
    tcase_add_loop_test(t, compares_what_only_the_certificate_tells, 0, sizeof(certificate_rows) / sizeof(certificate_rows[0]));
    tcase_add_test(t, a16_does_not_believe_a_policy_that_the_ca_does_not_have);
    suite_add_tcase(s, t);
    return s;
}
