/* SPDX-License-Identifier: Apache-2.0 */
/* Bad configurations, one table: what is wrong, and the line and words a person gets. */
#include "config_check.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define HEX63 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
#define ID "identities = { me = { bundle = \"me.pem\"; }; };\n"
#define TRUSTS "trusts = { ca = { ca = \"ca.pem\"; }; };\n"
#define UP                                                                                                   \
    "upstreams = { up = { targets = [ \"api.example:443\" ]; tls = { identity = \"me\"; trust = \"ca\"; }; " \
    "}; };\n"
#define BACK "upstreams = { up = { targets = [ \"127.0.0.1:9000\" ]; }; };\n"
#define LOCAL "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; }; };\n"
#define PUBLIC(more)                                                                                         \
    "listeners = { app = { bind = \":8443\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; " \
    "}; " more " }; };\n"
#define PUBLIC_TLS(tls)                                                                                      \
    "listeners = { app = { bind = \":8443\"; upstream = \"up\"; tls = { identity = \"me\"; " tls " }; }; "   \
                                                                                                 "};\n"
#define UP_TLS(tls)                                                                                          \
    "upstreams = { up = { targets = [ \"api.example:443\" ]; tls = { identity = \"me\"; trust = "            \
    "\"ca\"; " tls " }; }; };\n"
#define UP_WITH(more) "upstreams = { up = { targets = [ \"127.0.0.1:9000\" ]; " more " }; };\n"

struct row {
    const char *why;
    const char *text;
    unsigned line;
    const char *says;
};

static const struct row refused[] = {
    /* shape and spelling */
    {"a key nobody knows", ID TRUSTS UP LOCAL "colour = 1;", 5, "colour: unknown key"},
    {"a key with a letter wrong", ID TRUSTS UP LOCAL "worker = 1;", 5, "did you mean \"workers\"?"},
    {"a key with a letter wrong, inside",
     ID TRUSTS LOCAL "upstreams = { up = {\n tragets = [ \"a:1\" ]; }; };", 5, "did you mean \"targets\"?"},
    {"a key of another group", ID TRUSTS LOCAL UP_TLS("client_cert = \"none\";"), 4,
     "belongs in listeners.NAME.tls"},
    {"a key of the top level, inside",
     ID TRUSTS UP
     "listeners = { app = { bind = \"[::1]:1\"; upstream = \"up\"; drain_timeout = \"5s\"; }; };",
     4, "belongs at the top level"},
    {"the same key twice", ID TRUSTS UP LOCAL "workers = 1;\n\nworkers = 2;", 7, "already given"},
    {"the same name twice", "identities = {\n me = { bundle = \"a\"; };\n me = { bundle = \"b\"; };\n};", 3,
     "already given"},
    {"a group where a value belongs", ID TRUSTS UP LOCAL "workers = { a = 1; };", 5,
     "a group { } where a whole number"},
    {"a value where a group belongs", ID TRUSTS UP LOCAL "log = \"debug\";", 5, "a string where a group"},
    {"a value where a named group belongs", TRUSTS "identities = { me = \"me.pem\"; };", 2,
     "a string where a group"},
    {"a value where named groups belong", TRUSTS "identities = \"me.pem\";", 2,
     "a string where named groups"},
    {"a list where named groups belong", TRUSTS "identities = ( { bundle = \"a\"; } );", 2,
     "identities: this is a list where named groups"},
    {"a chain beside a bundle", "identities = { me = { bundle = \"a.pem\";\n chain = \"b.pem\"; }; };\n" TRUSTS UP LOCAL, 2,
     "goes with certificate and key"},
    {"a chain alone", "identities = { me = { chain = \"b.pem\"; }; };\n" TRUSTS UP LOCAL, 1, "give bundle = \"FILE\""},
    {"a list where a string belongs", "identities = { me = { bundle = [ \"a\", \"b\" ]; }; };", 1,
     "a list where a string"},
    {"a number where a string belongs", "identities = { me = { bundle = 5; }; };", 1,
     "a number without quotes where a string"},
    {"a string where a number belongs", ID TRUSTS UP LOCAL "workers = \"4\";", 5,
     "a string where a whole number without quotes"},
    {"a fraction", ID TRUSTS UP LOCAL "workers = 1.5;", 5, "a fraction"},
    {"a word where a boolean belongs", ID TRUSTS LOCAL UP_TLS("require_client_auth = \"yes\";"), 4,
     "where true or false"},
    {"a number in a list of strings", ID TRUSTS LOCAL "upstreams = { up = { targets = [ 9000 ]; }; };", 4,
     "targets[0]: this is a number"},
    {"a group in a list of strings", TRUSTS "listeners = { app = { bind = ( { a = 1; } ); }; };", 2,
     "bind[0]: this is a group"},
    {"an empty string", "identities = { me = { bundle = \"\"; }; };", 1, "is empty"},
    {"an empty list", TRUSTS "listeners = { app = { bind = [ ]; }; };", 2, "the list is empty"},
    {"a control character by escape", "identities = { me = { bundle = \"a\\x0ab\"; }; };", 1,
     "control character"},
    {"a NUL by escape", "identities = { me = { bundle = \"good.pem\\x00.txt\"; }; };", 1, "\\x00"},
    {"nothing but one empty group", "listeners = { };", 1, "nothing to do"},
    {"no listeners", ID TRUSTS UP, 1, "listeners is missing"},

    /* units and bounds */
    {"a number below its bounds", ID TRUSTS UP LOCAL "workers = 0;", 5, "0 is too little: from 1 to 256"},
    {"a number above its bounds", ID TRUSTS UP LOCAL "workers = 257;", 5, "257 is too much: from 1 to 256"},
    {"a negative number", ID TRUSTS UP LOCAL "workers = -1;", 5, "-1 is not a whole number from 0 up"},
    {"2^32 + 1, which libconfig takes for 1", ID TRUSTS UP LOCAL "workers = 4294967297;", 5, "too large"},
    {"-2^32 + 1, which libconfig takes for 1", ID TRUSTS UP LOCAL "workers = -4294967295;", 5, "too large"},
    {"the same in hex", ID TRUSTS UP LOCAL "workers = 0x100000001;", 5, "too large"},
    {"the same as a 64-bit number", ID TRUSTS UP LOCAL "workers = 4294967297L;", 5, "too large"},
    {"a number of a hundred digits",
     ID TRUSTS UP LOCAL
     "workers = 1111111111111111111111111111111111111111111111111111111111111111111111111111111111111;",
     5, "too large"},
    {"a duration without a unit", ID TRUSTS UP LOCAL "drain_timeout = \"30\";", 5, "no unit"},
    {"a duration as a number", ID TRUSTS UP LOCAL "drain_timeout = 30;", 5, "as in \"10s\""},
    {"a duration above its bounds", ID TRUSTS UP LOCAL "drain_timeout = \"25h\";", 5,
     "25h is too much: from 0s to 1d"},
    {"a duration below its bounds", ID TRUSTS LOCAL UP_WITH("timeouts = { connect = \"0\"; };"), 4,
     "0 is too little: from 10ms to 10m"},
    {"a duration that wraps", ID TRUSTS UP LOCAL "drain_timeout = \"18446744073709551616ms\";", 5,
     "too long"},
    {"a size with a strange unit", ID TRUSTS BACK PUBLIC("max_header_bytes = \"64KB\";"), 4, "not a size"},
    {"a size above its bounds", ID TRUSTS BACK PUBLIC("max_header_bytes = \"2MiB\";"), 4,
     "from 1KiB to 1MiB"},
    {"a weak RSA key allowed", ID "trusts = { ca = { ca = \"ca.pem\"; min_rsa_bits = 1024; }; };", 2,
     "from 2048"},
    {"a word with a letter wrong", ID TRUSTS BACK PUBLIC("protocol = \"htpp\";"), 4,
     "did you mean \"http\"?"},
    {"a word nobody knows", ID TRUSTS BACK PUBLIC("protocol = \"quic\";"), 4, "write http | tcp"},
    {"identity and identities", ID TRUSTS LOCAL UP_TLS("identities = [ \"me\" ];"), 4, "goes instead of identity"},
    {"an identity twice", ID TRUSTS LOCAL "upstreams = { up = { targets = [ \"api.example:443\" ]; tls = { trust = \"ca\"; identities = [ \"me\", \"me\" ]; }; }; };", 4, "is given twice"},
    {"an identity that there is not", ID TRUSTS LOCAL "upstreams = { up = { targets = [ \"api.example:443\" ]; tls = { trust = \"ca\"; identities = [ \"me\", \"you\" ]; }; }; };", 4, "you"},
    {"HTTP/2 beside renegotiation", ID TRUSTS LOCAL UP_TLS("renegotiation = true; alpn = [ \"h2\", \"http/1.1\" ];"), 4, "HTTP/2 forbids to request a certificate later"},
    {"HTTP/2 beside authentication after the handshake", ID TRUSTS LOCAL UP_TLS("post_handshake_auth = true; alpn = \"h2\";"), 4, "HTTP/2 forbids"},
    {"renegotiation in TLS 1.3", ID TRUSTS LOCAL UP_TLS("renegotiation = true; min_version = \"1.3\";"), 4, "has no effect in TLS 1.3"},
    {"authentication after the handshake in TLS 1.2", ID TRUSTS LOCAL UP_TLS("post_handshake_auth = true; max_version = \"1.2\";"), 4, "has no effect in TLS 1.2"},
    {"TLS 1.0", ID TRUSTS LOCAL UP_TLS("min_version = \"1.0\";"), 4, "1.2 | 1.3"},

    /* addresses */
    {"a bind without a port",
     ID TRUSTS UP "listeners = { app = { bind = \"localhost\"; upstream = \"up\"; }; };", 4, "has no port"},
    {"a target that is a URL", ID TRUSTS LOCAL "upstreams = { up = { targets = \"https://a:443\"; }; };", 4,
     "URL"},
    {"a target without a host", ID TRUSTS LOCAL "upstreams = { up = { targets = \":443\"; }; };", 4,
     "names no host"},
    {"a target on port 0", ID TRUSTS LOCAL "upstreams = { up = { targets = \"a:0\"; }; };", 4, "port 0"},
    {"a target that libc would take for loopback",
     ID TRUSTS LOCAL "upstreams = { up = { targets = \"127.1:80\"; }; };", 4, "IPv4"},
    {"an admin socket on TCP", ID TRUSTS UP LOCAL "admin = { socket = \"127.0.0.1:9999\"; };", 5,
     "not a unix socket"},
    {"a target that is a socket to listen on", ID TRUSTS LOCAL "upstreams = { up = { targets = \"systemd:http\"; }; };", 4, "socket to listen on"},
    {"one passed socket for two listeners",
     ID TRUSTS UP "listeners = { a = { bind = \"systemd:http\"; upstream = \"up\"; }; b = { bind = \"systemd:http\"; upstream = \"up\"; }; };", 4,
     "is taken already, by listener a"},
    {"the passed admin socket for a listener",
     ID TRUSTS UP "admin = { socket = \"systemd:http\"; }; listeners = { a = { bind = \"systemd:http\"; upstream = \"up\"; }; };", 4,
     "is the admin socket already"},
    {"a Host header that is none", ID TRUSTS LOCAL UP_WITH("host = \"a b\";"), 4, "Host header"},

    /* known, but not in this version */
    {"tickets of a number", ID TRUSTS BACK PUBLIC_TLS("trust = \"ca\"; tickets = 2;"), 4, "tickets"},
    {"pkcs12 and a bundle", TRUSTS "identities = { me = { pkcs12 = \"me.p12\"; bundle = \"me.pem\"; }; };", 2, "give either pkcs12, or bundle, or certificate and key"},
    {"pkcs12 and a key", TRUSTS "identities = { me = { pkcs12 = \"me.p12\"; key = \"me.key\"; }; };", 2, "give either pkcs12, or bundle, or certificate and key"},
    {"pkcs12 and a chain", TRUSTS "identities = { me = { pkcs12 = \"me.p12\"; chain = \"me.crt\"; }; };", 2, "export the PKCS#12 file with its chain"},
    {"a passphrase of nothing", TRUSTS "identities = { me = { passphrase_file = \"p\"; }; };", 2, "give bundle = \"FILE\""},
    {"a variable without a name", TRUSTS "identities = { me = { bundle = \"env:\"; }; };", 2, "write the name of an environment variable"},
    {"a variable for a binary file", TRUSTS "identities = { me = { pkcs12 = \"env:P12\"; }; };", 2, "this needs a file"},
    {"a variable to write to", ID TRUSTS UP LOCAL "log = { target = \"env:LOG\"; };", 5, "this needs a file"},
    {"a bundle in a token", TRUSTS "identities = { me = { bundle = \"pkcs11:object=k\"; }; };", 2, "only key and certificate of an identity can be in a token"},
    {"a PIN of a file", TRUSTS "identities = { me = { certificate = \"a\"; key = \"k\"; pin_file = \"p\"; }; };", 2, "goes with a pkcs11: URI in key"},
    {"a passphrase of a token", TRUSTS "identities = { me = { certificate = \"a\"; key = \"pkcs11:object=k\"; passphrase_file = \"p\"; }; };", 2, "name the file of the token's PIN in pin_file"},
    {"a token without the process of keys", TRUSTS "insecure_keys_in_process = true; identities = { me = { certificate = \"a\"; key = \"pkcs11:object=k\"; }; };", 2, "need the process of keys"},
    {"a pin that is too short", ID "trusts = { ca = { ca = \"ca.pem\"; pins = [ \"ab\" ]; }; };", 2,
     "\"ab\" is not a pin"},
    {"a pin that is neither hex nor base64", ID "trusts = { ca = { ca = \"ca.pem\"; pins = \"" HEX63 "g\"; }; };", 2, "is not a pin"},
    {"the second pin", ID "trusts = { ca = { ca = \"ca.pem\";\n pins = [ \"" HEX63 "0\",\n \"" HEX63 "\" ]; }; };", 4,
     "is not a pin"},
    {"an empty pin", ID "trusts = { ca = { ca = \"ca.pem\"; pins = [ \"\" ]; }; };", 2, "is empty"},
    {"a trust domain with its scheme", ID "trusts = { ca = { ca = \"ca.pem\"; spiffe_domain = \"spiffe://example\"; }; };", 2,
     "write its name alone"},
    {"a trust domain in upper case", ID "trusts = { ca = { ca = \"ca.pem\"; spiffe_domain = \"Example\"; }; };", 2,
     "is not a SPIFFE trust domain"},
    {"a trust domain with stars", ID "trusts = { ca = { ca = \"ca.pem\"; spiffe_domain = \"*.example\"; }; };", 2,
     "is not a SPIFFE trust domain"},
    {"CRL addresses without fetch", ID "trusts = { ca = { ca = \"ca.pem\"; crl = \"a.crl\"; crl_urls = [ \"http://a/b\" ]; }; };", 2,
     "has no effect without crl = \"fetch\""},
    {"CRLs over https", ID "trusts = { ca = { ca = \"ca.pem\"; crl = \"fetch\"; crl_urls = [ \"https://a/b\" ]; }; };", 2,
     "use http: lists are signed"},
    {"an OCSP responder over https", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"hard\"; ocsp_responder = \"https://a/b\"; }; };", 2,
     "is not an address of the form http://host/path"},
    {"an OCSP host with a path", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"hard\"; ocsp_hosts = [ \"http://a/b\" ]; }; };", 2, "is not a host"},
    {"two ways to choose OCSP responders", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"hard\"; ocsp_responder = \"http://a/b\"; ocsp_hosts = [ \"a\" ]; }; };", 2,
     "ocsp_responder names another one"},
    {"CRLs from a file address, as in F3", ID "trusts = { ca = { ca = \"ca.pem\"; crl = [ \"a\", \"fetch\" ]; crl_urls = [ \"file:///a\" ]; }; };", 2,
     "is not an address of the form http://host/path"},
    {"a mode of xfcc without the preset", ID TRUSTS BACK PUBLIC("xfcc = \"forward_only\";"), 4, "without the preset \"xfcc\""},
    {"details of xfcc without the preset", ID TRUSTS BACK PUBLIC("xfcc_details = \"cert\";"), 4, "without the preset \"xfcc\""},
    {"C1: anybody's claims passed on by a word", ID TRUSTS BACK PUBLIC("identity_headers = \"xfcc\"; xfcc = \"always_forward_only\";"), 4,
     "accept this with insecure_xfcc = true"},
    {"an unknown mode of xfcc", ID TRUSTS BACK PUBLIC("identity_headers = \"xfcc\"; xfcc = \"append\";"), 4, "append_forward"},

    /* what belongs together */
    {"an identity of nothing", "identities = { me = { }; };", 1, "identities.me: give bundle"},
    {"a bundle and a key", "identities = { me = { bundle = \"a\"; key = \"b\"; }; };", 1,
     "either bundle, or certificate and key"},
    {"a certificate alone", "identities = { me = { certificate = \"a\"; }; };", 1, "key is missing"},
    {"a key alone", "identities = { me = { key = \"a\"; }; };", 1, "certificate is missing"},
    {"a trust of nothing", ID "trusts = { ca = { }; };", 2, "ca is missing"},
    {"a trust called system", ID "trusts = { system = { ca = \"a\"; }; };", 2, "built in"},
    {"an upstream of nothing", ID TRUSTS LOCAL "upstreams = { up = { }; };", 4, "targets is missing"},
    {"a listener without bind", ID TRUSTS UP "listeners = { app = { upstream = \"up\"; }; };", 4,
     "bind is missing"},
    {"a listener without upstream", ID TRUSTS UP "listeners = { app = { bind = \"[::1]:80\"; }; };", 4,
     "upstream is missing"},
    {"a listener's tls without identity",
     ID TRUSTS BACK
     "listeners = { app = { bind = \":8443\"; upstream = \"up\";\n tls = { trust = \"ca\"; }; }; };",
     5, "listeners.app.tls: identity is missing"},
    {"an unknown identity",
     ID TRUSTS LOCAL
     "upstreams = { up = { targets = [ \"a:1\" ];\n tls = {\n identity = \"mee\"; trust = \"ca\"; }; }; };",
     6, "no identity \"mee\" is defined, did you mean \"me\"?"},
    {"an unknown trust",
     ID TRUSTS LOCAL
     "upstreams = { up = { targets = [ \"a:1\" ]; tls = { identity = \"me\"; trust = \"sytem\"; }; }; };",
     4, "no trust \"sytem\" is defined, did you mean \"system\"?"},
    {"an unknown upstream",
     ID TRUSTS UP "listeners = { app = { bind = \"[::1]:80\"; upstream = \"elsewhere\"; }; };", 4,
     "no upstream \"elsewhere\" is defined"},
    {"an unknown identity of a listener",
     ID TRUSTS BACK
     "listeners = { app = { bind = \":8443\"; upstream = \"up\"; tls = { identity = \"her\"; }; }; };",
     4, "no identity \"her\""},
    {"plaintext on every interface",
     ID TRUSTS UP "listeners = { app = { bind = \":8080\"; upstream = \"up\"; }; };", 4,
     "insecure_expose = true"},
    {"plaintext on an interface",
     ID TRUSTS UP
     "listeners = { app = { bind = [ \"127.0.0.1:1\", \"10.0.0.1:8080\" ]; upstream = \"up\"; }; };",
     4, "\"10.0.0.1:8080\" is plaintext beyond this host"},
    {"plaintext on a name",
     ID TRUSTS UP "listeners = { app = { bind = \"myhost:8080\"; upstream = \"up\"; }; };", 4,
     "plaintext beyond this host"},
    {"client_cert without trust", ID TRUSTS BACK PUBLIC_TLS("client_cert = \"required\";"), 4,
     "client_cert: needs a trust"},
    {"optional without trust", ID TRUSTS BACK PUBLIC_TLS("client_cert = \"optional\";"), 4,
     "client_cert: needs a trust"},
    {"allow without tls",
     ID TRUSTS UP
     "listeners = { app = { bind = \"[::1]:80\"; upstream = \"up\"; allow = ( { ou = \"x\"; } ); }; };",
     4, "allow: rules need tls with a trust"},
    {"allow without trust",
     ID TRUSTS BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; }; "
                    "allow = ( { ou = \"x\"; } ); }; };",
     4, "allow: rules need a trust"},
    {"allow where nobody is asked",
     ID TRUSTS BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; "
                    "trust = \"ca\"; client_cert = \"none\"; };\n"
                    "allow = ( { ou = \"x\"; } ); }; };",
     5, "allow: rules need client_cert"},
    {"an empty allow, which would be everybody", ID TRUSTS BACK PUBLIC("allow = ( );"), 4, "allow: no rule"},
    {"an empty rule, which would be everybody", ID TRUSTS BACK PUBLIC("allow = ( { ou = \"a\"; }, { } );"), 4,
     "allow[1]: the rule has no key"},
    {"a rule with an empty value", ID TRUSTS BACK PUBLIC("allow = ( { ou = \"\"; } );"), 4,
     "allow[0].ou: is empty"},
    {"a rule with an unknown field", ID TRUSTS BACK PUBLIC("allow = ( { oh = \"a\"; } );"), 4,
     "did you mean"},
    {"a rule that is a string", ID TRUSTS BACK PUBLIC("allow = ( \"ou=a\" );"), 4,
     "allow[0]: this is a string where a group"},
    {"rules without the list", ID TRUSTS BACK PUBLIC("allow = { ou = \"a\"; };"), 4, "a list of groups"},
    {"a fingerprint too short", ID TRUSTS BACK PUBLIC("allow = ( { fingerprint = \"ab:cd\"; } );"), 4,
     "4 hexadecimal digits where 64"},
    {"a serial that is no number", ID TRUSTS BACK PUBLIC("allow = ( { serial = \"xyz\"; } );"), 4,
     "not hexadecimal"},
    {"identity headers without tls",
     ID TRUSTS UP
     "listeners = { app = { bind = \"[::1]:80\"; upstream = \"up\"; identity_headers = \"x-ssl\"; }; };",
     4, "identity_headers: needs tls with a trust"},
    {"identity headers without trust",
     ID TRUSTS BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; }; "
                    "identity_headers = \"x-ssl\"; }; };",
     4, "identity_headers: needs a trust"},
    {"identity headers on tcp", ID TRUSTS BACK PUBLIC("protocol = \"tcp\"; identity_headers = \"x-ssl\";"), 4,
     "needs protocol = \"http\""},
    {"forwarded on tcp", ID TRUSTS BACK PUBLIC("protocol = \"tcp\"; forwarded = \"x\";"), 4,
     "needs protocol = \"http\""},
    {"trusted proxies on tcp", ID TRUSTS BACK PUBLIC("protocol = \"tcp\"; trusted_proxies = \"10.0.0.1\";"), 4,
     "trusted_proxies: needs protocol = \"http\""},
    {"trusted proxies of fields that pass", ID TRUSTS BACK PUBLIC("forwarded = \"off\"; trusted_proxies = [ \"unix\" ];"), 4,
     "trusted_proxies: has no effect with forwarded = \"off\""},
    {"an answer to our certificate demanded without one",
     ID TRUSTS LOCAL
     "upstreams = { up = { targets = \"a:1\"; tls = { trust = \"ca\"; require_client_auth = true; }; }; };",
     4, "require_client_auth: without an identity"},
    {"tls over a unix socket without a name",
     ID TRUSTS LOCAL "upstreams = { up = { targets = \"unix:/a\"; tls = { trust = \"ca\"; }; }; };", 4,
     "no host name to verify"},
    {"a server name that is none", ID TRUSTS LOCAL UP_TLS("server_name = \"*.example\";"), 4,
     "not a host name"},
    {"one address twice",
     ID TRUSTS UP "listeners = { app = { bind = \"[::1]:80\"; upstream = \"up\"; };\n two = { bind = "
                  "\"[0:0::1]:80\"; upstream = \"up\"; }; };",
     5, "taken already, by listener app"},
    {"one address twice in one listener",
     ID TRUSTS UP "listeners = { app = { bind = [ \"[::1]:80\", \"[::1]:80\" ]; upstream = \"up\"; }; };", 4,
     "taken already"},
    {"one socket twice",
     ID TRUSTS UP
     "admin = { socket = \"unix:/x\"; }; listeners = { app = { bind = \"unix:/x\"; upstream = \"up\"; }; };",
     4, "the admin socket already"},
    {"a listener that calls itself",
     ID TRUSTS "upstreams = { up = { targets = \"127.0.0.1:8080\"; }; };\n" LOCAL, 4, "it would call itself"},
};

static const struct row warned[] = {
    {"a folder for lists that nobody fetches", ID TRUSTS UP LOCAL "crl_cache = \"/var/lib/x\";", 5, "crl_cache: has no effect: no trust has crl = \"fetch\""},
    {"plaintext on every interface, accepted",
     ID TRUSTS UP "listeners = { app = { bind = \":8080\"; upstream = \"up\"; insecure_expose = true; }; };",
     4, "served in plaintext"},
    {"an insecure_ key that does nothing",
     ID TRUSTS UP
     "listeners = { app = { bind = \"[::1]:8080\"; upstream = \"up\"; insecure_expose = true; }; };",
     4, "is not needed here"},
    {"an insecure_ key under tls", ID TRUSTS BACK PUBLIC("insecure_expose = true;"), 4, "is not needed here"},
    {"plaintext to another host", "upstreams = { up = { targets = \"10.0.0.1:80\"; }; };\n" LOCAL, 1,
     "plaintext beyond this host"},
    {"plaintext to a name", "upstreams = { up = { targets = \"backend:80\"; }; };\n" LOCAL, 1,
     "plaintext beyond this host"},
    {"nothing wrong, and so nothing said", ID TRUSTS UP LOCAL, 0, NULL},
    {"OCSP with a trust of upstreams alone", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"hard\"; }; };\n" UP LOCAL, 2, "no listener verifies clients with this trust"},
    {"OCSP where clients are verified", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"hard\"; }; };\n" BACK PUBLIC(""), 0, NULL},
    {"OCSP where clients of one name are", ID "trusts = { ca = { ca = \"ca.pem\"; ocsp = \"soft\"; }; };\n" BACK
     "listeners = { app = { bind = \":8443\"; upstream = \"up\"; tls = { identities = ( { hosts = [ \"a.example\" ]; identity = \"me\"; trust = \"ca\"; } ); }; }; };\n", 0, NULL},
    {"an unused identity", BACK ID LOCAL, 2, "identities.me: nothing uses this identity"},
    {"an unused trust", BACK TRUSTS LOCAL, 2, "nothing uses this trust"},
    {"an unused upstream",
     "upstreams = { up = { targets = \"[::1]:9\"; };\n rest = { targets = \"[::1]:7\"; }; };\n" LOCAL, 2,
     "nothing uses this upstream"},
    {"a trust that is never asked", ID TRUSTS BACK PUBLIC_TLS("trust = \"ca\"; client_cert = \"none\";"), 4,
     "the trust has no effect"},
    {"a CRL policy without a CRL",
     ID "trusts = { ca = { ca = \"a\"; crl_policy = \"prefer\"; }; };\n" UP LOCAL, 2,
     "no effect without crl"},
};

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

static const struct finding *find(const struct findings *f, enum finding_level level, const struct row *row)
{
    char where[64];
    snprintf(where, sizeof(where), "x.conf:%u", row->line);
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].level == level && strcmp(f->items[i].where, where) == 0 &&
            strstr(f->items[i].text, row->says) != NULL)
            return &f->items[i];
    return NULL;
}

static const char *first_text(const struct findings *f)
{
    static char text[900];
    snprintf(text, sizeof(text), "%s: %s", f->n > 0 ? f->items[0].where : "-",
             f->n > 0 ? f->items[0].text : "nothing found");
    return text;
}

START_TEST(refuses_it_with_the_line_and_what_to_do)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(refused[_i].text, "x.conf", &f);
    ck_assert_msg(c == NULL, "%s was taken", refused[_i].why);
    ck_assert_msg(find(&f, FINDING_ERROR, &refused[_i]) != NULL,
                  "%s: no error at line %u with \"%s\"; the first: %s", refused[_i].why, refused[_i].line,
                  refused[_i].says, first_text(&f));
    findings_clear(&f);
}
END_TEST

/* One mistake is one error: the twin of the line itself, so that a person is not sent to lines that are
 * right. */
START_TEST(says_nothing_about_the_lines_that_are_right)
{
    struct findings f;
    findings_init(&f);
    config_free(config_parse(ID TRUSTS LOCAL UP_TLS("expct = [ \"a\" ];"), "x.conf", &f));
    ck_assert_msg(f.n == 1, "%zu findings, the first: %s", f.n, first_text(&f));
    findings_clear(&f);
    config_free(config_parse("identities = { me = { budle = \"a\"; }; };\n" TRUSTS UP LOCAL, "x.conf", &f));
    ck_assert_msg(f.n == 1, "%zu findings, the first: %s", f.n, first_text(&f));
    findings_clear(&f);
}
END_TEST

START_TEST(takes_it_with_a_warning)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(warned[_i].text, "x.conf", &f);
    ck_assert_msg(c != NULL, "%s: %s", warned[_i].why, first_text(&f));
    if (warned[_i].says == NULL)
        ck_assert_msg(f.n == 0, "the clean one: %s", first_text(&f));
    else
        ck_assert_msg(find(&f, FINDING_WARNING, &warned[_i]) != NULL && f.n == 1, "%s: %s", warned[_i].why,
                      first_text(&f));
    config_free(c);
    findings_clear(&f);
}
END_TEST

START_TEST(finds_every_error_and_not_only_the_first)
{
    struct findings f;
    findings_init(&f);
    config_free(config_parse("workers = 0;\nlog = { level = \"loud\"; };\n"
                             "upstreams = { up = { targets = \"a\"; }; };\nlisteners = { app = { bind = "
                             "\":1\"; upstream = \"pu\"; }; };\n",
                             "x.conf", &f));
    static const char *const where[] = {"x.conf:1", "x.conf:2", "x.conf:3", "x.conf:4", "x.conf:4"};
    ck_assert_msg(f.errors == 5, "%zu errors", f.errors);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(f.items[i].where, where[i]);
    findings_clear(&f);
}
END_TEST

START_TEST(says_where_each_place_stands_that_run_opens)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(ID TRUSTS BACK LOCAL "admin = { socket = \"unix:a.sock\"; };\nlog = {\ntarget = \"x.log\"; };\n", "x.conf", &f);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->where.admin_socket, "x.conf:5");
    ck_assert_str_eq(c->where.log_target, "x.conf:7");
    ck_assert_ptr_null(c->where.crl_cache);
    config_free(c);
    findings_clear(&f);
}
END_TEST

static const char *const taken_by_health[][2] = {{":8443", ":8443"}, {"127.0.0.1:8443", ":8443"}, {"0.0.0.0:8443", "127.0.0.1:8443"}};

START_TEST(a_port_of_a_listener_is_none_for_probes)
{
    struct findings f;
    char text[512];
    findings_init(&f);
    snprintf(text, sizeof(text), ID TRUSTS BACK "listeners = { a = { bind = \"%s\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };\n"
                                                "admin = { health = \"%s\"; };",
             taken_by_health[_i][0], taken_by_health[_i][1]);
    ck_assert_ptr_null(config_parse(text, "x.conf", &f));
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_msg(strstr(f.items[0].text, "is taken already, by") != NULL, "%s", f.items[0].text);
    ck_assert_str_eq(f.items[0].where, "x.conf:5");
    findings_clear(&f);
}
END_TEST

static const char *const overlapping[][2] = {{":8443", "127.0.0.1:8443"}, {"[::1]:8443", ":8443"}, {"[::]:8443", "0.0.0.0:8443"}, {"0.0.0.0:8443", "[::]:8443"},
                                             {"0.0.0.0:8443", "10.0.0.1:8443"}, {"10.0.0.1:8443", "0.0.0.0:8443"}, {"[::]:8443", "a.example:8443"}};

/* run would fail at the second one. */
START_TEST(addresses_that_include_one_another_are_refused)
{
    struct findings f;
    char text[512];
    findings_init(&f);
    snprintf(text, sizeof(text), ID TRUSTS BACK "listeners = { a = { bind = \"%s\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; };\n"
                                                "b = { bind = \"%s\"; upstream = \"up\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };",
             overlapping[_i][0], overlapping[_i][1]);
    ck_assert_ptr_null(config_parse(text, "x.conf", &f));
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_msg(strstr(f.items[0].text, "overlap: keep the wider one") != NULL, "%s", f.items[0].text);
    ck_assert_str_eq(f.items[0].where, "x.conf:5");
    findings_clear(&f);
}
END_TEST

START_TEST(port_zero_and_addresses_apart_do_not_collide)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(
        ID TRUSTS BACK
        "listeners = { a = { bind = [ \"127.0.0.1:0\", \"127.0.0.1:0\" ]; upstream = \"up\"; };\n"
        "b = { bind = [ \"127.0.0.1:8443\", \"127.0.0.2:8443\", \"[::1]:8443\", \":8444\", \"unix:/x\" ]; upstream = \"up\"; tls = { identity = \"me\"; "
        "trust = \"ca\"; }; }; };",
        "x.conf", &f);
    ck_assert_msg(c != NULL && f.n == 0, "%s", first_text(&f));
    config_free(c);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check");
    TCase *t = tcase_create("config_check");
    tcase_add_loop_test(t, refuses_it_with_the_line_and_what_to_do, 0, COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning, 0, COUNT(warned));
    tcase_add_test(t, says_nothing_about_the_lines_that_are_right);
    tcase_add_test(t, finds_every_error_and_not_only_the_first);
    tcase_add_test(t, says_where_each_place_stands_that_run_opens);
    tcase_add_loop_test(t, a_port_of_a_listener_is_none_for_probes, 0, COUNT(taken_by_health));
    tcase_add_loop_test(t, addresses_that_include_one_another_are_refused, 0, COUNT(overlapping));
    tcase_add_test(t, port_zero_and_addresses_apart_do_not_collide);
    suite_add_tcase(s, t);
    return s;
}
