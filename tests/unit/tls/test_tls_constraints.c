/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "judging.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SPAN(bytes)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                          \
    }
/* DER of the names O=Acme (UTF8String), O=ACME (PrintableString) and O=Other */
#define DN_ACME_BYTES "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x0c\x04" "Acme"
#define DN_ACME SPAN(DN_ACME_BYTES)
#define DN_ACME_PRINTABLE                                                                                    \
    SPAN("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x13\x04"                                              \
         "ACME")
#define DN_OTHER_BYTES "\x30\x10\x31\x0e\x30\x0c\x06\x03\x55\x04\x0a\x0c\x05" "Other"
#define DN_OTHER SPAN(DN_OTHER_BYTES)

#define EXTENSION(bytes) extension = "2.5.29.30", .extension_critical = true, .extension_value = SPAN(bytes)
#define REGISTERED_ID .EXTENSION("\x30\x08\xa0\x06\x30\x04\x88\x02\x2a\x03")
/* An otherName of Microsoft's type userPrincipalName with the value "a@b", and constraints on that type: of "b", of everything. */
#define UPN_TYPE "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"
#define UPN "\xa0\x13" UPN_TYPE "\xa0\x05\x0c\x03" "a@b"
#define SOME_UPN "\x30\x17\xa0\x15\x30\x13\xa0\x11" UPN_TYPE "\xa0\x03\x0c\x01" "b"
#define NO_UPN "\x30\x16\xa1\x14\x30\x12\xa0\x10" UPN_TYPE "\xa0\x02\x0c\x00"

static struct certs root;

static void make_root(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
}

static void clear_root(void)
{
    certs_clear(&root);
}

static void judge_below(struct certs_order ca_order, struct certs_order leaf_order, struct tls_verdict *v)
{
    struct certs ca, leaf;
    ca_order.cn = "Fenced";
    ca_order.ca = true;
    ca_order.issuer = &root;
    certs_make(&ca_order, &ca);
    leaf_order.issuer = &ca;
    certs_make(&leaf_order, &leaf);
    struct judging j = {.ca = {&root}};
    const struct certs *chain[] = {&leaf, &ca};
    judging_run(&j, chain, 2, v);
    certs_clear(&leaf);
    certs_clear(&ca);
}

static const struct {
    const char *why;
    struct certs_order ca, leaf;
    bool valid;
} rows[] = {
    {"no constraint", {0}, {.sans = {"dns:a.other"}}, true},
    {"dns inside", {.permitted = {"dns:example"}}, {.sans = {"dns:a.example"}}, true},
    {"dns itself", {.permitted = {"dns:a.example"}}, {.sans = {"dns:a.example"}}, true},
    {"dns outside", {.permitted = {"dns:example"}}, {.sans = {"dns:a.other"}}, false},
    {"dns that only ends alike", {.permitted = {"dns:b.example"}}, {.sans = {"dns:ab.example"}}, false},
    {"one of two dns outside",
     {.permitted = {"dns:example"}},
     {.sans = {"dns:a.example", "dns:a.other"}},
     false},
    {"dns excluded", {.excluded = {"dns:example"}}, {.sans = {"dns:a.example"}}, false},
    {"dns not excluded", {.excluded = {"dns:example"}}, {.sans = {"dns:a.other"}}, true},
    {"a client whose CN is no host name", {.permitted = {"dns:example"}}, {.cn = "Alice"}, true},
    {"dns of a wildcard inside", {.permitted = {"dns:example"}}, {.sans = {"dns:*.example"}}, true},
    {"dns of a wildcard wider than permitted",
     {.permitted = {"dns:a.example"}},
     {.sans = {"dns:*.example"}},
     false},
    {"dns of a wildcard that reaches what is excluded",
     {.excluded = {"dns:a.example"}},
     {.sans = {"dns:*.example"}},
     false},
    {"dns in another case excluded", {.excluded = {"dns:Example"}}, {.sans = {"dns:a.eXample"}}, false},
    {"dns excluded altogether", {.excluded = {"dns:"}}, {.sans = {"dns:a.example"}}, false},
    {"ip inside", {.permitted = {"ip:10.0.0.0/8"}}, {.sans = {"ip:10.1.2.3"}}, true},
    {"ip outside", {.permitted = {"ip:10.0.0.0/8"}}, {.sans = {"ip:11.1.2.3"}}, false},
    {"ip excluded", {.excluded = {"ip:10.0.0.0/8"}}, {.sans = {"ip:10.1.2.3"}}, false},
    {"ip of the other family", {.permitted = {"ip:10.0.0.0/8"}}, {.sans = {"ip:2001:db8::1"}}, false},
    {"ip of the other family not excluded",
     {.excluded = {"ip:0.0.0.0/0"}},
     {.sans = {"ip:2001:db8::1"}},
     true},
    {"e-mail inside", {.permitted = {"email:a.example"}}, {.sans = {"email:x@a.example"}}, true},
    {"e-mail outside", {.permitted = {"email:a.example"}}, {.sans = {"email:x@b.example"}}, false},
    {"e-mail of one mailbox", {.permitted = {"email:x@a.example"}}, {.sans = {"email:x@A.example"}}, true},
    {"e-mail of another mailbox",
     {.permitted = {"email:x@a.example"}},
     {.sans = {"email:y@a.example"}},
     false},
    {"e-mail of hosts below", {.permitted = {"email:.example"}}, {.sans = {"email:y@a.example"}}, true},
    {"e-mail without a host", {.excluded = {"email:a.example"}}, {.sans = {"email:a.example"}}, false},
    {"e-mail excluded", {.excluded = {"email:a.example"}}, {.sans = {"email:x@a.example"}}, false},
    {"uri host itself", {.permitted = {"uri:td.example"}}, {.sans = {"uri:spiffe://td.example/a"}}, true},
    {"uri host in another case",
     {.permitted = {"uri:TD.example"}},
     {.sans = {"uri:https://td.EXAMPLE/a"}},
     true},
    {"uri host with port", {.permitted = {"uri:td.example"}}, {.sans = {"uri:https://td.example:1/a"}}, true},
    {"uri with a user", {.permitted = {"uri:td.example"}}, {.sans = {"uri:https://u@td.example/a"}}, false},
    {"uri with a user that looks like a host", {.permitted = {"uri:td.example"}}, {.sans = {"uri:https://evil:80@td.example/a"}}, false},
    {"uri with a user where another is excluded", {.excluded = {"uri:td.example"}}, {.sans = {"uri:https://td.example@other/a"}}, false},
    {"uri host below, when only itself is",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:spiffe://x.td.example/a"}},
     false},
    {"uri host below a dot", {.permitted = {"uri:.example"}}, {.sans = {"uri:spiffe://td.example/a"}}, true},
    {"uri host is the part behind the dot",
     {.permitted = {"uri:.td.example"}},
     {.sans = {"uri:spiffe://td.example/a"}},
     false},
    {"uri outside", {.permitted = {"uri:td.example"}}, {.sans = {"uri:spiffe://other/a"}}, false},
    {"uri with the host as user",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:spiffe://td.example@evil/a"}},
     false},
    {"uri with the host in its path",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:spiffe://evil/td.example"}},
     false},
    {"uri with the host in its query",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:spiffe://evil?@td.example"}},
     false},
    {"uri with a backslash that some take for a slash",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:https://evil\\@td.example/a"}},
     false},
    {"uri with the host behind another scheme",
     {.permitted = {"uri:td.example"}},
     {.sans = {"uri:urn:x://td.example/a"}},
     false},
    {"uri with the host behind another scheme, where one is excluded",
     {.excluded = {"uri:td.example"}},
     {.sans = {"uri:urn:x://other/a"}},
     false},
    {"e-mail with an empty host where some are excluded", {.excluded = {"email:a.example"}}, {.sans = {"email:x@"}}, false},
    {"uri without a host", {.permitted = {"uri:td.example"}}, {.sans = {"uri:urn:x:td.example"}}, false},
    {"uri excluded", {.excluded = {"uri:td.example"}}, {.sans = {"uri:spiffe://td.example/a"}}, false},
    {"uri excluded below a dot",
     {.excluded = {"uri:.example"}},
     {.sans = {"uri:spiffe://td.example/a"}},
     false},
    {"uri not excluded", {.excluded = {"uri:td.example"}}, {.sans = {"uri:spiffe://other/a"}}, true},
    {"uri without a host where some are excluded",
     {.excluded = {"uri:td.example"}},
     {.sans = {"uri:urn:x:y"}},
     false},
    {"directory name inside", {.permitted_dn = DN_ACME}, {.o = "Acme", .cn = "a"}, true},
    {"directory name in another case and string",
     {.permitted_dn = DN_ACME_PRINTABLE},
     {.o = "Acme", .cn = "a"},
     true},
    {"directory name outside", {.permitted_dn = DN_OTHER}, {.o = "Acme", .cn = "a"}, false},
    {"directory name too short", {.permitted_dn = DN_ACME}, {.cn = "Acme"}, false},
    {"directory name excluded", {.excluded_dn = DN_ACME}, {.o = "Acme", .cn = "a"}, false},
    {"directory name excluded in another case and string",
     {.excluded_dn = DN_ACME_PRINTABLE},
     {.o = "Acme", .cn = "a"},
     false},
    {"directory name not excluded", {.excluded_dn = DN_OTHER}, {.o = "Acme", .cn = "a"}, true},
    {"registeredID is constrained and there is none", {REGISTERED_ID}, {.cn = "a", .sans = {"dns:a.other"}}, true},
    {"registeredID is constrained, and there is one", {REGISTERED_ID}, {.cn = "a", .raw_san = SPAN("\x30\x04\x88\x02\x2a\x03")}, false},
    {"otherName is excluded, as Microsoft's CAs do, and there is none", {.EXTENSION(NO_UPN)}, {.cn = "a", .sans = {"dns:a.other"}}, true},
    {"otherName of this type is excluded, and there is one", {.EXTENSION(NO_UPN)}, {.cn = "a", .raw_san = SPAN("\x30\x15" UPN)}, false},
    {"otherName of this type is permitted, which is not understood", {.EXTENSION(SOME_UPN)}, {.cn = "a", .raw_san = SPAN("\x30\x15" UPN)}, false},
    {"otherName of another type", {.EXTENSION(NO_UPN)}, {.cn = "a", .raw_san = SPAN("\x30\x0a\xa0\x08\x06\x02\x2a\x03\xa0\x02\x0c\x00")}, true},
    {"x400Address is constrained, and there is none", {.EXTENSION("\x30\x08\xa1\x06\x30\x04\xa3\x02\x30\x00")}, {.cn = "a"}, true},
    {"a kind that does not exist", {.EXTENSION("\x30\x08\xa1\x06\x30\x04\x89\x02\x30\x00")}, {.cn = "a"}, false},
    {"directoryName in subjectAltName inside", {.permitted_dn = DN_ACME}, {.o = "Acme", .cn = "a", .raw_san = SPAN("\x30\x13\xa4\x11" DN_ACME_BYTES)}, true},
    {"directoryName in subjectAltName outside", {.permitted_dn = DN_ACME}, {.o = "Acme", .cn = "a", .raw_san = SPAN("\x30\x14\xa4\x12" DN_OTHER_BYTES)}, false},
    {"an address of no family where some are excluded", {.excluded = {"ip:10.0.0.0/8"}}, {.cn = "a", .raw_san = SPAN("\x30\x05\x87\x03\x0b\x01\x02")}, false},

    /* a dot at the end: no way out, and none in */
    {"dns with a dot at its end excluded", {.excluded = {"dns:example"}}, {.sans = {"dns:a.example."}}, false},
    {"dns with a dot at its end where another is permitted", {.permitted = {"dns:example"}}, {.sans = {"dns:a.example."}}, false},
    {"dns under a constraint with a dot at its end", {.excluded = {"dns:example."}}, {.sans = {"dns:a.example"}}, false},
    {"the root is excluded", {.EXTENSION("\x30\x07\xa1\x05\x30\x03\x82\x01" ".")}, {.sans = {"dns:a.example"}}, false},
    {"the root is permitted, which has no name below it here", {.EXTENSION("\x30\x07\xa0\x05\x30\x03\x82\x01" ".")}, {.sans = {"dns:a.example"}}, false},
    {"uri host with a dot at its end excluded", {.excluded = {"uri:td.example"}}, {.sans = {"uri:https://td.example./"}}, false},
    {"e-mail host with a dot at its end excluded", {.excluded = {"email:a.example"}}, {.sans = {"email:x@a.example."}}, false},

    /* A16: a CN that has the form of a name is held to the constraints on such names */
    {"CN as a host inside", {.permitted = {"dns:example"}}, {.cn = "web.example"}, true},
    {"CN as a host outside", {.permitted = {"dns:example"}}, {.cn = "web.other"}, false},
    {"CN as a host outside, beside a host inside", {.permitted = {"dns:example"}}, {.cn = "web.other", .sans = {"dns:a.example"}}, false},
    {"CN as a host excluded", {.excluded = {"dns:ops.example"}}, {.cn = "web.OPS.example"}, false},
    {"CN as the host excluded", {.excluded = {"dns:ops.example"}}, {.cn = "ops.example"}, false},
    {"CN as a host not excluded", {.excluded = {"dns:ops.example"}}, {.cn = "web.example"}, true},
    {"CN as a host that only ends alike", {.permitted = {"dns:b.example"}}, {.cn = "ab.example"}, false},
    {"CN as a host where other kinds are constrained", {.permitted = {"email:a.example", "uri:a.example", "ip:10.0.0.0/8"}}, {.cn = "web.other"}, true},
    {"CN as a wildcard outside", {.permitted = {"dns:example"}}, {.cn = "*.other"}, false},
    {"CN as a wildcard that reaches what is excluded", {.excluded = {"dns:a.example"}}, {.cn = "*.example"}, false},
    {"CN as a host with a dot at its end", {.permitted = {"dns:example"}}, {.cn = "web.other."}, false},
    {"CN as a host with a dot at its end excluded", {.excluded = {"dns:example"}}, {.cn = "web.example."}, false},
    {"CN as a host with an empty label", {.excluded = {"dns:ops.example"}}, {.cn = ".ops.example"}, false},
    {"CN as a host with an empty label outside", {.permitted = {"dns:example"}}, {.cn = ".ops.other"}, false},
    {"CN as a host with a hyphen where none may be", {.permitted = {"dns:example"}}, {.cn = "-.ops.other"}, false},
    {"CN as a host in other letters", {.permitted = {"dns:example"}}, {.cn = "b\xc3\xbc" "cher.other"}, false},
    {"CN as a host in other letters inside", {.permitted = {"dns:example"}}, {.cn = "b\xc3\xbc" "cher.example"}, true},
    {"CN as a host that may be the excluded one in other letters", {.excluded = {"dns:xn--bcher-kva.example"}}, {.cn = "b\xc3\xbc" "cher.example"}, false},
    {"CN as a host in other letters, where one in ASCII is excluded", {.excluded = {"dns:ops.example"}}, {.cn = "b\xc3\xbc" "cher.example"}, true},
    {"CN as one name without a dot", {.permitted = {"dns:example"}}, {.cn = "alice"}, true},
    {"CN as one name with a dot at its end", {.permitted = {"dns:example"}}, {.cn = "alice."}, true},
    {"CN in words", {.permitted = {"dns:example"}}, {.cn = "Billing Service"}, true},
    {"CN in words with a version", {.permitted = {"dns:example"}}, {.cn = "Billing Service 2.0"}, true},
    {"CN of a person", {.permitted = {"dns:example"}}, {.cn = "Dr. John F. Smith jr."}, true},
    {"CN of a company", {.permitted = {"dns:example"}}, {.cn = "Example.com, Inc."}, true},
    {"CN of a device", {.permitted = {"dns:example"}}, {.cn = "serial:0815"}, true},
    {"one of two CNs as a host outside", {.permitted = {"dns:example"}}, {.dn = "CN=web.other,CN=alice"}, false},
    {"the other of two CNs", {.permitted = {"dns:example"}}, {.dn = "CN=alice,CN=web.other"}, false},
    {"OU as a host", {.permitted = {"dns:example"}}, {.cn = "a", .ou = "web.other"}, true},
    {"CN as a mail address inside", {.permitted = {"email:a.example"}}, {.cn = "x@a.example"}, true},
    {"CN as a mail address outside", {.permitted = {"email:a.example"}}, {.cn = "x@b.example"}, false},
    {"CN as a mail address excluded", {.excluded = {"email:a.example"}}, {.cn = "any one@a.example"}, false},
    {"CN as a mail address where hosts are constrained", {.permitted = {"dns:example"}}, {.cn = "x@b.other"}, true},
    {"CN that ends in an @ and words", {.permitted = {"email:a.example"}}, {.cn = "Support @ Acme Ltd"}, true},
    {"CN as a URI inside", {.permitted = {"uri:td.example"}}, {.cn = "spiffe://td.example/a"}, true},
    {"CN as a URI outside", {.permitted = {"uri:td.example"}}, {.cn = "spiffe://other/a"}, false},
    {"CN as a URI excluded", {.excluded = {"uri:td.example"}}, {.cn = "spiffe://td.example/a"}, false},
    {"CN as an address inside", {.permitted = {"ip:10.0.0.0/8", "dns:example"}}, {.cn = "10.1.2.3"}, true},
    {"CN as an address outside", {.permitted = {"ip:10.0.0.0/8"}}, {.cn = "11.1.2.3"}, false},
    {"CN as an address excluded", {.excluded = {"ip:2001:db8::/32"}}, {.cn = "2001:DB8::1"}, false},

    /* A16: emailAddress in the subject is an rfc822Name, with a subjectAltName beside it too */
    {"emailAddress inside", {.permitted = {"email:a.example"}}, {.dn = "CN=a,EMAIL=x@a.example"}, true},
    {"emailAddress outside", {.permitted = {"email:a.example"}}, {.dn = "CN=a,EMAIL=x@b.example"}, false},
    {"emailAddress outside, beside one inside", {.permitted = {"email:a.example"}}, {.dn = "CN=a,EMAIL=x@b.example", .sans = {"email:x@a.example"}}, false},
    {"emailAddress excluded", {.excluded = {"email:a.example"}}, {.dn = "EMAIL=x@A.example,CN=a"}, false},
    {"emailAddress not excluded", {.excluded = {"email:a.example"}}, {.dn = "EMAIL=x@b.example,CN=a"}, true},
    {"emailAddress that is none where some are excluded", {.excluded = {"email:a.example"}}, {.dn = "EMAIL=a.example,CN=a"}, false},
    {"emailAddress where hosts are constrained", {.permitted = {"dns:example"}}, {.dn = "EMAIL=x@b.other,CN=a"}, true},
    {"a permitted range whose mask has holes",
     {.extension = "2.5.29.30",
      .extension_critical = true,
      .extension_value = SPAN("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x7f\x00\x00\x00\x7f\x00\x00\x00")},
     {.cn = "a", .sans = {"ip:127.0.0.1"}},
     false},
    {"the same range with a mask as in CIDR",
     {.extension = "2.5.29.30",
      .extension_critical = true,
      .extension_value = SPAN("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x7f\x00\x00\x00\xff\x00\x00\x00")},
     {.cn = "a", .sans = {"ip:127.0.0.1"}},
     true},
    {"constraints that do not parse",
     {.extension = "2.5.29.30",
      .extension_critical = true,
      .extension_value = SPAN("\x30\x04\xa0\x06\x30\x04")},
     {.cn = "a"},
     false},
};

START_TEST(b1_a16_holds_names_to_the_constraints_of_their_ca)
{
    struct tls_verdict v;
    bool odd = rows[_i].ca.extension != NULL;
    if (odd)
        judging_let_library_leak(true);
    judge_below(rows[_i].ca, rows[_i].leaf, &v);
    if (odd)
        judging_let_library_leak(false);
    ck_assert_msg((v.status == REASON_VALID) == rows[_i].valid, "%s: %s", rows[_i].why, v.text);
    ck_assert_msg(rows[_i].valid || v.status == REASON_CONSTRAINT, "%s: %s", rows[_i].why,
                  judging_word(v.status));
    ck_assert(rows[_i].valid || v.openssl_error == 47);
}
END_TEST

/* RFC 9525: a server is looked for in its subjectAltName, so its CN opens nothing; OpenSSL passes it over likewise. */
START_TEST(a16_does_not_hold_the_cn_of_a_server)
{
    struct certs ca, leaf;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Fenced", .ca = true, .issuer = &root, .permitted = {"dns:example"}}, &ca);
    certs_make(&(struct certs_order){.cn = "web.other", .issuer = &ca, .sans = {"dns:a.example"}}, &leaf);
    const struct certs *chain[] = {&leaf, &ca};
    struct judging j = {.ca = {&root}, .purpose = TLS_PURPOSE_SERVER, .names = {"a.example"}};
    judging_run(&j, chain, 2, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    j.purpose = TLS_PURPOSE_CLIENT;
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_CONSTRAINT);
    ck_assert_str_eq(v.text, "certificate CN=web.other: its CN, a host name, is outside the name constraints of CN=Fenced");
    certs_clear(&leaf);
    certs_clear(&ca);
}
END_TEST

/* Only the certificate that calls is told or matched by its CN. */
START_TEST(a16_does_not_hold_the_cn_of_an_intermediate)
{
    struct certs top, sub, leaf;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Top", .ca = true, .issuer = &root, .permitted = {"dns:example", "email:example"}}, &top);
    certs_make(&(struct certs_order){.cn = "issuing.other", .ca = true, .issuer = &top}, &sub);
    certs_make(&(struct certs_order){.cn = "web.example", .issuer = &sub}, &leaf);
    struct judging j = {.ca = {&root}};
    const struct certs *chain[] = {&leaf, &sub, &top};
    judging_run(&j, chain, 3, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    certs_clear(&sub);
    certs_clear(&leaf);
    certs_make(&(struct certs_order){.dn = "CN=issuing,EMAIL=ca@other", .ca = true, .issuer = &top}, &sub);
    certs_make(&(struct certs_order){.cn = "web.example", .issuer = &sub}, &leaf);
    judging_run(&j, chain, 3, &v);
    ck_assert_msg(v.status == REASON_CONSTRAINT, "%s", v.text); /* RFC 5280 4.2.1.10 knows no exception for its emailAddress */
    certs_clear(&leaf);
    certs_clear(&sub);
    certs_clear(&top);
}
END_TEST

START_TEST(holds_intermediates_below_to_the_constraints_too)
{
    struct certs top, sub, leaf;
    struct tls_verdict v;
    static const struct span other = DN_OTHER;
    certs_make(&(struct certs_order){.cn = "Top", .ca = true, .issuer = &root, .excluded_dn = other}, &top);
    certs_make(&(struct certs_order){.o = "Other", .cn = "Sub", .ca = true, .issuer = &top}, &sub);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &sub}, &leaf);
    struct judging j = {.ca = {&root}};
    const struct certs *chain[] = {&leaf, &sub, &top};
    judging_run(&j, chain, 3, &v);
    ck_assert_msg(v.status == REASON_CONSTRAINT, "%s", v.text);
    certs_clear(&leaf);
    certs_clear(&sub);
    certs_clear(&top);
}
END_TEST

/* A GeneralNames or subtrees list of n DNS names, each wrapped as given. */
static size_t many_names(uint8_t *out, size_t n, bool subtrees)
{
    uint8_t *at = out + 4 + (subtrees ? 4 : 0);
    for (size_t i = 0; i < n; i++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "n%05zu.e", i);
        if (subtrees) {
            *at++ = 0x30;
            *at++ = (uint8_t)(len + 2);
        }
        *at++ = 0x82;
        *at++ = (uint8_t)len;
        memcpy(at, name, (size_t)len);
        at += len;
    }
    size_t inner = (size_t)(at - out) - (subtrees ? 8 : 4), outer = (size_t)(at - out) - 4;
    const uint8_t head[] = {0x30, 0x82, (uint8_t)(outer >> 8), (uint8_t)outer,
                            0xa0, 0x82, (uint8_t)(inner >> 8), (uint8_t)inner};
    memcpy(out, head, subtrees ? 8 : 4);
    return (size_t)(at - out);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A7: a CA and a leaf that are in league, thousands of constraints against thousands of names. */
START_TEST(a7_bounds_the_work_on_pathological_constraints)
{
    enum { N = 3000 };
    static uint8_t fence[N * 16], names[N * 16];
    const struct {
        size_t constraints, names;
        bool valid;
    } cases[] = {{N, N, false},     {100, N, false},    {N, 100, false},
                 {1024, 480, true}, {1024, 490, false}, {40, 40, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs ca, leaf;
        struct certs_order ca_order = {.cn = "Fenced",
                                       .ca = true,
                                       .issuer = &root,
                                       .extension = "2.5.29.30",
                                       .extension_critical = true};
        ca_order.extension_value = span_of(fence, many_names(fence, cases[i].constraints, true));
        certs_make(&ca_order, &ca);
        struct certs_order leaf_order = {.issuer = &ca};
        leaf_order.raw_san = span_of(names, many_names(names, cases[i].names, false));
        certs_make(&leaf_order, &leaf);
        struct judging j = {.ca = {&root}};
        struct tls_trust *trust = judging_trust(&j);
        struct tls_question q = {.trust = trust, .now = CERTS_NOW};
        struct span ders[] = {leaf.der, ca.der};
        struct tls_verdict v;
        double least = 1e9;
        for (int turn = 0; turn < 3; turn++) {
            double before = cpu_ms();
            tls_judge(&q, ders, 2, &v);
            double ms = cpu_ms() - before;
            least = ms < least ? ms : least;
        }
        ck_assert_msg((v.status == REASON_VALID) == cases[i].valid, "%zu: %s", i, v.text);
        ck_assert_msg(least < CERTS_WORK_LIMIT_MS, "case %zu: %f ms", i, least);
        tls_trust_unref(trust);
        certs_clear(&leaf);
        certs_clear(&ca);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_constraints");
    TCase *c = tcase_create("constraints");
    tcase_add_checked_fixture(c, make_root, clear_root);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, b1_a16_holds_names_to_the_constraints_of_their_ca, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(c, a16_does_not_hold_the_cn_of_a_server);
    tcase_add_test(c, a16_does_not_hold_the_cn_of_an_intermediate);
    tcase_add_test(c, holds_intermediates_below_to_the_constraints_too);
    tcase_add_test(c, a7_bounds_the_work_on_pathological_constraints);
    suite_add_tcase(s, c);
    return s;
}
