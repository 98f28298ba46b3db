/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define NAMES "identities = { me = { bundle = \"me.pem\"; }; b = { bundle = \"b\"; }; };\ntrusts = { ca = { ca = \"ca.pem\"; }; };\n"
#define HTTP(tls) NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { " tls " }; }; };\n"
#define MORE(tls, more) NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; " more " tls = { " tls " }; }; };\n"
#define B "{ hosts = \"b\"; identity = \"b\"; }"

static const struct config_row refused[] = {
    {"neither identity nor identities", CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { min_version = \"1.3\"; }; }; };", "listeners.app.tls: identity is missing"},
    {"an empty list", HTTP("identities = ( );"), "no identity: write one"},
    {"no list", HTTP("identities = \"me\";"), "where a list of groups"},
    {"no identity in it", HTTP("identities = ( { hosts = \"a\"; } );"), "identities[0]: identity is missing"},
    {"an identity that is not there", HTTP("identities = ( { hosts = \"a\"; identity = \"mee\"; } );"), "no identity \"mee\" is defined, did you mean \"me\"?"},
    {"a trust that is not there", HTTP("identities = ( { hosts = \"a\"; identity = \"me\"; trust = \"cc\"; } );"), "identities[0].trust: no trust \"cc\" is defined"},
    {"the block's trust, once", HTTP("trust = \"cc\"; identities = ( { hosts = \"a\"; identity = \"me\"; } );"), "tls.trust: no trust \"cc\" is defined"},
    {"a key that is not there", HTTP("identities = ( { host = \"a\"; identity = \"me\"; } );"), "unknown key"},
    {"A9: a host twice", HTTP("identities = ( { hosts = [ \"a\", \"c\" ]; identity = \"me\"; }, { hosts = \"A.\"; identity = \"b\"; } );"), "identities[1].hosts: \"a.\" is taken already, at x.conf:"},
    {"A9: a suffix twice", HTTP("identities = ( { hosts = \"*.a\"; identity = \"me\"; }, { hosts = \"*.A\"; identity = \"b\"; } );"), "\"*.a\" is taken already"},
    {"A9: twice in one", HTTP("identities = ( { hosts = [ \"a\", \"a\" ]; identity = \"me\"; } );"), "\"a\" is taken already"},
    {"a host with a port", HTTP("identities = ( { hosts = \"a:1\"; identity = \"me\"; } );"), "without a port"},
    {"a URL", HTTP("identities = ( { hosts = \"https://a\"; identity = \"me\"; } );"), "write the host alone"},
    {"everything", HTTP("identities = ( { hosts = \"*\"; identity = \"me\"; } );"), "a * can only stand"},
    {"an address", HTTP("identities = ( { hosts = \"10.0.0.1\"; identity = \"me\"; } );"), "server names are never addresses"},
    {"another address", HTTP("identities = ( { hosts = \"::1\"; identity = \"me\"; } );"), "server names are never addresses"},
    {"a certificate that nothing judges", HTTP("identities = ( { hosts = \"a\"; identity = \"me\"; client_cert = \"optional\"; } );"), "identities[0].client_cert: needs a trust"},
    {"the block's rules without a trust are somebody's", HTTP("identity = \"me\"; client_cert = \"required\"; identities = ( " B " );"), "tls.client_cert: needs a trust"},
    {"A2: tolerating what nobody asks for", HTTP("trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"me\"; client_cert = \"none\"; tolerate = \"expired\"; }, " B " );"), "identities[0].tolerate: needs a trust and client_cert"},
    {"A2: tolerating on tcp", MORE("trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"me\"; tolerate = \"expired\"; } );", "protocol = \"tcp\";"), "identities[0].tolerate: needs protocol = \"http\""},
    {"A2: a tolerated certificate that reaches an upstream", HTTP("trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"me\"; tolerate = \"expired\"; }, " B " );"), "a certificate that is expired"},
    {"a forward proxy", MORE("trust = \"ca\"; identities = ( " B " );", "forward_proxy = { direct = \"x\"; };"), "forward_proxy: needs one identity for all"},
    {"rules where nobody is asked", MORE("identities = ( " B " );", "allow = ( { ou = \"x\"; } );"), "rules need a trust in tls"},
    {"in an upstream's tls", NAMES "upstreams = { up = { targets = \"a:1\"; tls = { identities = ( " B " ); }; }; };" CONFIG_ROWS_LOCAL, "this is a group { } where a string or a list of strings is expected"},
};

#define ALL(more) "identity = \"me\"; " more " identities = ( { hosts = \"a\"; identity = \"b\"; trust = \"ca\"; } );"

static const struct config_row taken[] = {
    {"two identities", HTTP("trust = \"ca\"; identities = ( { identity = \"me\"; }, { hosts = [ \"b\", \"*.b\" ]; identity = \"b\"; } );"), NULL},
    {"no certificates at all", NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; identities = ( " B " ); }; }; other = { bind = \":2\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };", NULL},
    {"rules where some are asked", MORE("identities = ( { identity = \"b\"; trust = \"ca\"; }, { identity = \"me\"; hosts = \"x\"; } );", "allow = ( { ou = \"x\"; } );"), NULL},
    {"rules of the block that hold for each", HTTP("client_cert = \"optional\"; identities = ( { hosts = \"a\"; identity = \"me\"; trust = \"ca\"; }, { hosts = \"b\"; identity = \"b\"; trust = \"ca\"; } );"), NULL},
    {"callers of one name by the public CAs", "identities = { me = { bundle = \"me.pem\"; }; b = { bundle = \"b\"; }; };\n" CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identities = ( { hosts = \"a\"; identity = \"me\"; trust = \"system\"; }, " B " ); }; }; };\n",
     "tls.identities[0].trust: the public CAs of this machine"},
    {"callers of every name by the public CAs: told once", "identities = { me = { bundle = \"me.pem\"; }; b = { bundle = \"b\"; }; };\n" CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { trust = \"system\"; identities = ( { hosts = \"a\"; identity = \"me\"; }, " B " ); }; }; };\n",
     "tls.trust: the public CAs of this machine"},
    {"a stricter one for other names", HTTP("identity = \"me\"; trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"b\"; client_cert = \"none\"; } );"), NULL},
    {"A8: nobody else is asked", HTTP(ALL("")), "tls.identity: clients that send no server name or an unknown one have laxer rules than those at x.conf:"},
    {"A8: others may do without", HTTP("identity = \"me\"; trust = \"ca\"; client_cert = \"optional\"; identities = ( { hosts = \"a\"; identity = \"b\"; client_cert = \"required\"; } );"), "have laxer rules"},
    {"A8: others may be expired", NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; routes = ( { cert = \"error\"; respond = 403; }, { upstream = \"up\"; } ); tls = { identity = \"me\"; trust = \"ca\"; tolerate = [ \"expired\", \"weak\" ]; identities = ( { hosts = \"a\"; identity = \"b\"; tolerate = \"weak\"; } ); }; }; };", "have laxer rules"},
    {"A8: a laxer name on tcp", MORE("trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"b\"; }, { hosts = \"c\"; identity = \"me\"; client_cert = \"optional\"; } );", "protocol = \"tcp\";"), "identities[1]: has laxer rules than others"},
    {"A8: a name laxer than the others on tcp", MORE("identity = \"me\"; trust = \"ca\"; identities = ( { hosts = \"c\"; identity = \"b\"; client_cert = \"none\"; } );", "protocol = \"tcp\";"), "identities[0]: has laxer rules than others"},
    {"the same on tcp", MORE("trust = \"ca\"; identities = ( { hosts = \"a\"; identity = \"b\"; }, { hosts = \"c\"; identity = \"me\"; } );", "protocol = \"tcp\";"), NULL},
};

START_TEST(refuses_it_and_says_what_to_do)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_it_with_a_warning_or_without)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_sni");
    TCase *t = tcase_create("config_check_sni");
    tcase_add_loop_test(t, refuses_it_and_says_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
