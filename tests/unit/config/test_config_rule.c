/* SPDX-License-Identifier: Apache-2.0 */
/* Values of allow rules that are mistakes, and ones that only look like it. */
#include "mtlsd/config/config_rule.h"
#include "config_rows.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *key, *value, *says, *why; /* says NULL: taken */
} rows[] = {
    {"uri", "spiffe://*/web", "leaves the trust domain open", "A5: any trust domain"},
    {"uri", "spiffe://**", "leaves the trust domain open", "A5: anybody of any trust domain"},
    {"uri", "spiffe://*.example/web", "leaves the trust domain open", "A5: any domain of a suffix"},
    {"uri", "spiffe:///web", "leaves the trust domain open", "A5: none at all"},
    {"uri", "**", "scheme", "any URI, but no SPIFFE ID"},
    {"uri", "*://a/b", "scheme", "any scheme"},
    {"uri", "web-1", "scheme", "a name"},
    {"uri", ":x", "scheme", "an empty scheme"},
    {"uri", "spiffe:**", "write spiffe:// first", "never matches"},
    {"uri", "SPIFFE://example/web", "write spiffe:// first", "A5: compared byte for byte"},
    {"uri", "spiffe:/example/web", "write spiffe:// first", "one slash"},
    {"uri", "spiffe://Example/web", "no SPIFFE trust domain", "A5: capitals"},
    {"uri", "spiffe://example:443/web", "no SPIFFE trust domain", "A5: a port"},
    {"uri", "spiffe://me@example/web", "no SPIFFE trust domain", "A5: a user"},
    {"uri", "spiffe://example/a?b", "is not a valid SPIFFE ID", "A5: a query"},
    {"uri", "spiffe://example/a#b", "is not a valid SPIFFE ID", "A5: a fragment"},
    {"uri", "spiffe://example/%61", "is not a valid SPIFFE ID", "A5: percent-encoding"},
    {"uri", "spiffe://example/", "empty segment", "a slash at the end"},
    {"uri", "spiffe://example//a", "empty segment", "A5: two slashes"},
    {"uri", "spiffe://example/a/../b", "dot segment", "A5: a dot segment"},
    {"uri", "spiffe://example/./b", "dot segment", "A5: the other one"},
    {"uri", "https://a b/", "no URI", "a blank"},
    {"uri", "spiffe://example", NULL, "the trust domain itself"},
    {"uri", "spiffe://example.org/**", NULL, "all of a trust domain"},
    {"uri", "spiffe://example/ns/*/sa/web", NULL, "a star is one segment"},
    {"uri", "spiffe://example/..a/b.*", NULL, "dots in a name"},
    {"uri", "https://a.example/**", NULL, "another scheme"},
    {"uri", "urn:uuid:*", NULL, "another form"},
    {"cn", "CN=payments", "begins with a label", "as openssl prints it"},
    {"cn", "CN = payments", "begins with a label", "as openssl 3 prints it"},
    {"ou", "ou=ops", "begins with a label", "in small letters"},
    {"o", "O=Partner Ltd", "begins with a label", "an organization"},
    {"dns", "DNS:a.example", "begins with a label", "as openssl prints names"},
    {"uri", "URI:spiffe://example/web", "begins with a label", "a URI"},
    {"email", "email:a@b.example", "begins with a label", "an address"},
    {"cn", "CNAME", NULL, "the letters alone are no label"},
    {"o", "OU=x", NULL, "another key's label may be meant"},
    {"dns", "https://a.example", "leave out the scheme", "a URL"},
    {"dns", "a.example/x", "leave out the scheme", "a path"},
    {"dns", "a.example:443", "leave out the port", "a port"},
    {"dns", "::1", "write addresses as ip", "an address"},
    {"dns", "a b.example", "not a host name", "a blank"},
    {"dns", "m\xc3\xbcnchen.example", "xn--", "not as certificates have it"},
    {"dns", "a.example.", "empty label", "a dot at the end"},
    {"dns", ".example", "empty label", "a dot in front"},
    {"dns", "a..example", "empty label", "two dots"},
    {"dns", "*.example", NULL, "a star"},
    {"dns", "**", NULL, "any host name"},
    {"dns", "A_b-1.example", NULL, "what host names are made of"},
    {"email", "example.com", "has no @", "a domain"},
    {"email", "@example.com", "not a mail address", "nobody"},
    {"email", "a@b@example.com", "not a mail address", "two domains"},
    {"email", "a@", "not a host name", "no domain"},
    {"email", "a@example.com.", "empty label", "a dot at the end"},
    {"email", "*@example.com", NULL, "anybody of a domain"},
    {"issuer", "Partner CA", "not a whole name", "a part of the name"},
    {"issuer", "**", "every issuer", "everybody"},
    {"issuer", "*", "every issuer", "everybody too"},
    {"issuer", "CN=Partner CA", NULL, "a whole name"},
    {"issuer", "**O=Partner Ltd", NULL, "any CA of theirs"},
    {"c", "C=DE", "begins with a label", "as openssl prints it"},
    {"c", "Germany", "two letters", "the country's name"},
    {"c", "D1", "two letters", "a digit"},
    {"c", "DE", NULL, "a code"},
    {"c", "**", NULL, "any country"},
    {"st", "ST=Bavaria", "begins with a label", "as openssl prints it"},
    {"l", "L = Munich", "begins with a label", "as openssl 3 prints it"},
    {"l", "London", NULL, "the letter alone is no label"},
    {"subject", "/C=DE/CN=x", "old form of openssl", "as Apache and HAProxy show it"},
    {"subject", "C = DE, CN = x", "without blanks", "as openssl 3 prints it"},
    {"subject", "CN=x, O=y", "without blanks", "as browsers print it"},
    {"subject", "billing", "not a whole name", "a common name"},
    {"subject", "CN=*,O=y", "takes no pattern", "a pattern"},
    {"subject", "cn=x,O=y", "in capitals", "as LDAP tools print it"},
    {"subject", "CN=x,ou=y", "in capitals", "of another part"},
    {"subject", "emailAddress=a@b.example,CN=x", "write EMAIL=", "openssl's name for it"},
    {"subject", "CN=a\\00b", "control characters match nothing", "A5: a NUL"},
    {"subject", "CN=M\\C3\\BCller", "write the character itself", "as openssl escapes letters"},
    {"subject", "CN=x,", "ends with a separator", "cut off"},
    {"subject", "CN=x+", "ends with a separator", "cut off in a part of two"},
    {"subject", "CN=a\\, b\\+c,O=d", NULL, "escaped separators"},
    {"subject", "CN=x+UID=y,O=z", NULL, "a part of two"},
    {"subject", "CN=#1e0a00610064,2.5.4.99=#0c0178", NULL, "what has no text"},
    {"subject", "serialNumber=1,CN=x", NULL, "a type in small letters"},
    {"policy", "2.5.29.32.0", "anyPolicy", "none in particular"},
    {"policy", "1", "not the number", "one number"},
    {"policy", "1.", "not the number", "an empty number"},
    {"policy", "1.2..3", "not the number", "one inside"},
    {"policy", "1.2.03", "not the number", "a leading zero, which is never written"},
    {"policy", "1.40", "not the number", "X.660: behind 1 there are 40"},
    {"policy", "3.1", "not the number", "X.660: there are three roots"},
    {"policy", "1.2.x", "not the number", "a letter"},
    {"policy", "1.2.*", "not the number", "a pattern"},
    {"policy", "1.3.6.1.4.1.99999.1", NULL, "a number"},
    {"policy", "2.16.840.1.101.3.2.1.3.13", NULL, "behind 2 there is room"},
    {"policy", "0.39", NULL, "a short one"},
    {"serial", "00", "not a serial number", "RFC 5280 4.1.2.2: never zero"},
    {"serial", "0:0", "not a serial number", "the same with a colon"},
    {"serial", "01ab", NULL, "a number"},
    {"cn", "**", NULL, "anything goes in a common name"},
};

START_TEST(a_value_that_is_a_mistake_is_told)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        int rc = config_rule_check(rows[i].key, rows[i].value, &err);
        ck_assert_msg(rc == (rows[i].says != NULL ? -1 : 0), "%s: %s = \"%s\": %s", rows[i].why, rows[i].key, rows[i].value, err.text);
        if (rows[i].says != NULL)
            ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s: %s", rows[i].why, err.text);
    }
}
END_TEST

#define RULES(where, rule)                                                                                                                       \
    CONFIG_ROWS_NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":8443\"; tls = { identity = \"me\"; trust = \"ca\"; };\n" where "( { " rule     \
                                       " } ) " "\n"

static const struct config_row files[] = {
    {"A5: of a listener", RULES("allow = ", "uri = \"spiffe://*/web\";") "; upstream = \"up\"; }; };", "leaves the trust domain open"},
    {"A5: of a route", RULES("routes = ( { upstream = \"up\"; allow = ", "uri = \"spiffe://**\";") "; } ); }; };", "routes[0].allow[0].uri"},
    {"of a route's callers", RULES("routes = ( { upstream = \"up\"; caller = ", "dns = \"https://a\";") "; } ); }; };", "routes[0].caller[0].dns"},
    {"one mistake, one sentence", RULES("allow = ", "serial = \"xyz\";") "; upstream = \"up\"; }; };", "serial"},
    {"a rule without keys is no rule for all", RULES("allow = ", "") "; upstream = \"up\"; }; };", "has no key"},
};

START_TEST(a_file_with_such_a_rule_is_refused)
{
    config_rows_refused(&files[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_rule");
    TCase *t = tcase_create("config_rule");
    tcase_add_test(t, a_value_that_is_a_mistake_is_told);
    tcase_add_loop_test(t, a_file_with_such_a_rule_is_refused, 0, CONFIG_ROWS_COUNT(files));
    suite_add_tcase(s, t);
    return s;
}
