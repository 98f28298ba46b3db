/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define ROUTES_ASKING(client_cert, routes)                                                                                     \
    CONFIG_ROWS_NAMES CONFIG_ROWS_BACK                                                                                         \
    "listeners = { app = { bind = \":8443\"; tls = { identity = \"me\"; trust = \"ca\"; client_cert = \"" client_cert "\"; }; " \
    "routes = ( " routes " ); }; };\n"
#define ROUTES(routes) ROUTES_ASKING("optional", routes ", { path = \"/last\"; upstream = \"up\"; }")
#define OPTIONAL(routes) ROUTES_ASKING("optional", routes)
#define PLAIN(routes) CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:8080\"; routes = ( " routes ", { path = \"/last\"; upstream = \"up\"; } ); }; };\n"
#define TOLERATING(statuses, routes)                                                                                        \
    CONFIG_ROWS_NAMES CONFIG_ROWS_BACK                                                                                         \
    "listeners = { app = { bind = \":8443\"; tls = { identity = \"me\"; trust = \"ca\"; tolerate = " statuses "; }; "          \
    routes " }; };\n"
#define P "path = \"/p\"; "
#define UP "upstream = \"up\"; "

static const struct config_row refused[] = {
    /* A2: a certificate that was let in for a help page must not reach an application because nobody thought of it */
    {"A2: tolerated, and no route asks", TOLERATING("[ \"expired\" ]", "upstream = \"up\";"), "upstream: a certificate that is expired"},
    {"A2: tolerated all, and one is treated", TOLERATING("\"all\"", "routes = ( { cert = \"expired\"; redirect = \"/e\"; }, { " UP "} );"),
     "routes[1].upstream: a certificate that is not_yet_valid"},
    {"A2: treated on one path only", TOLERATING("[ \"revoked\" ]", "routes = ( { cert = \"revoked\"; path = \"/r\"; redirect = \"/e\"; }, { " UP "} );"),
     "routes[1].upstream: a certificate that is revoked"},
    {"A2: treated for one host only", TOLERATING("[ \"revoked\" ]", "routes = ( { cert = \"error\"; host = \"a\"; respond = 403; }, { " UP "} );"),
     "routes[1].upstream"},
    {"A2: treated too late", TOLERATING("[ \"expired\" ]", "routes = ( { path = \"/a\"; " UP "}, { cert = \"expired\"; respond = 403; }, { " UP "} );"),
     "routes[0].upstream"},
    {"A2: a gate on another path", TOLERATING("[ \"weak\" ]", "routes = ( { path = \"/a\"; allow = ( { ou = \"ops\"; } ); " UP "}, { " UP "} );"),
     "routes[1].upstream: a certificate that is weak"},
    {"one that could not be read hides none behind it", TOLERATING("[ \"expired\" ]", "routes = ( { cert = \"expire\"; respond = 403; }, { cert = \"expired\"; respond = 403; }, { " UP "} );"),
     "routes[0].cert: \"expire\" is not a valid value, did you mean \"expired\"?"},
    {"no action", ROUTES("{ " P "}"), "routes[0]: it has no action"},
    {"nothing at all", ROUTES_ASKING("optional", "{ }"), "routes[0]: it has no action"},
    {"deny that denies nothing", ROUTES("{ " P "deny = false; }"), "deny: false denies nothing"},
    {"two actions", ROUTES("{ " P UP "respond = 404; }"), "respond: upstream already says what to do"},
    {"two answers", ROUTES("{ " P "redirect = \"/a\"; deny = true; }"), "deny: redirect already says"},
    {"an answer twice", ROUTES("{ " P "respond = 404; deny = true; }"), "deny: respond already says"},
    {"an upstream nobody defined", ROUTES("{ " P "upstream = \"pu\"; }"), "no upstream \"pu\" is defined, did you mean \"up\"?"},
    {"its own address", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:9000\"; routes = ( { upstream = \"up\"; } ); }; };", "routes[0].upstream: its target is this listener's own address"},
    /* C9: a path that no request has when it is compared decides nothing */
    {"C9: a path without a slash", ROUTES("{ path = \"p\"; " UP "}"), "path: \"p\" is not a valid path: it must begin with '/'"},
    {"C9: a query", ROUTES("{ path = \"/p?a=b\"; " UP "}"), "only the path is compared"},
    {"C9: a fragment", ROUTES("{ path = \"/p#b\"; " UP "}"), "only the path is compared"},
    {"C9: a dot segment", ROUTES("{ path = \"/a/../p\"; " UP "}"), "dot segment"},
    {"C9: a dot segment last", ROUTES("{ path = \"/p/.\"; " UP "}"), "dot segment"},
    {"C9: dots and a blank", ROUTES("{ path = \"/..%20/p\"; " UP "}"), "of dots and blanks"},
    {"C9: an encoded dot segment", ROUTES("{ path = \"/%2e%2E/p\"; " UP "}"), "dot segment"},
    {"C9: an empty segment", ROUTES("{ path = \"//p\"; " UP "}"), "empty segment"},
    {"C9: an encoded slash", ROUTES("{ path = \"/a%2fp\"; " UP "}"), "encoded slash"},
    {"C9: an encoded backslash", ROUTES("{ path = \"/a%5Cp\"; " UP "}"), "encoded slash or backslash"},
    {"C9: a backslash", ROUTES("{ path = \"/a\\\\p\"; " UP "}"), "backslash"},
    {"C9: bad percent encoding", ROUTES("{ path = \"/a%2\"; " UP "}"), "two hexadecimal digits"},
    {"C9: an encoded NUL", ROUTES("{ path = \"/a%00\"; " UP "}"), "encoded control byte"},
    {"C9: a blank", ROUTES("{ path = \"/a b\"; " UP "}"), "write %20"},
    {"C9: a letter beyond ASCII", ROUTES("{ path = \"/caf\303\251\"; " UP "}"), "%XX"},
    {"C9: parameters", ROUTES("{ path = \"/a;b\"; " UP "}"), "parameters"},
    {"C9: parameters, encoded", ROUTES("{ path = \"/a%3Bb\"; " UP "}"), "parameters"},
    {"C9: a star, which is no path's", ROUTES("{ path = \"/api/*\"; " UP "}"), "path: \"/api/*\": a path has no patterns: it matches itself and everything below; write \"/api\""},
    {"C9: a regular expression", ROUTES("{ path = \"~ ^/api\"; " UP "}"), "write \"/api\""},
    {"two methods in one", ROUTES("{ method = \"GET|POST\"; " UP "}"), "method: \"GET|POST\": several methods are a list"},
    {"a method in small letters, which is another one", ROUTES("{ method = \"get\"; " UP "}"), "method: \"get\" is not a method"},
    {"a method with a blank", ROUTES("{ method = [ \"GET\", \"GET /\" ]; " UP "}"), "\"GET /\" is not a method"},
    {"a host with a port", ROUTES("{ host = \"a.example:443\"; " UP "}"), "host: \"a.example:443\": hosts are compared without a port"},
    {"a host that is a URL", ROUTES("{ host = \"https://a.example\"; " UP "}"), "write the host alone"},
    {"every host", ROUTES("{ host = \"*\"; " UP "}"), "leave host out"},
    {"a star inside", ROUTES("{ host = \"a.*.example\"; " UP "}"), "a * can only stand"},
    {"a suffix of nothing", ROUTES("{ host = \"*.\"; " UP "}"), "a * can only stand"},
    {"an address in brackets", ROUTES("{ host = \"[::1]\"; " UP "}"), "without brackets"},
    {"a prefix that is not the path's", ROUTES("{ path = \"/api\"; strip_prefix = \"/v1\"; " UP "}"), "strip_prefix: path \"/api\" does not begin with \"/v1\""},
    {"a prefix of half a segment", ROUTES("{ path = \"/apis\"; strip_prefix = \"/api\"; " UP "}"), "does not begin with"},
    {"a prefix longer than the path", ROUTES("{ path = \"/api\"; strip_prefix = \"/api/v1\"; " UP "}"), "does not begin with"},
    {"a prefix without a path", ROUTES("{ strip_prefix = \"/api\"; host = \"a\"; " UP "}"), "strip_prefix: needs path"},
    {"a prefix of everything", ROUTES("{ path = \"/api\"; strip_prefix = \"/\"; " UP "}"), "cannot be stripped"},
    {"C12: a prefix that leads past a gate", ROUTES("{ path = \"/x\"; strip_prefix = \"/x\"; " UP "}, { path = \"/admin\"; allow = ( { ou = \"ops\"; } ); " UP "}"),
     "routes[0].strip_prefix: leads past the route at x.conf:4 to \"/admin\" of upstream \"up\": put a route with path = \"/x/admin\" and the same rules before this one, and the same strip_prefix, or give this one the same allow"},
    {"C12: and past a refusal", ROUTES("{ path = \"/admin\"; deny = true; }, { path = \"/x\"; strip_prefix = \"/x\"; " UP "}, { host = \"a\"; " UP "}"),
     "to \"/admin\" of upstream \"up\": put a route with path = \"/x/admin\" and the same rules before this one"},
    {"C12: a word for path_case that is none", ROUTES("{ path = \"/x\"; path_case = \"sensitive\"; " UP "}"), "path_case: \"sensitive\" is not a valid value: write ignore | exact"},
    {"a redirect to a word", ROUTES("{ " P "redirect = \"new.html\"; }"), "redirect: \"new.html\" is not a valid Location: it must be an absolute path"},
    {"a redirect to a script", ROUTES("{ " P "redirect = \"javascript:alert(1)\"; }"), "it must be an absolute path"},
    {"a redirect to another host by accident", ROUTES("{ " P "redirect = \"//evil.example/\"; }"), "a browser sees another host"},
    {"the same with a backslash", ROUTES("{ " P "redirect = \"/\\\\evil.example/\"; }"), "a browser sees another host"},
    {"a redirect with a line end", ROUTES("{ " P "redirect = \"/a\\r\\nX: y\"; }"), "control character"},
    {"a redirect with a blank", ROUTES("{ " P "redirect = \"/a b\"; }"), "write %20"},
    {"a redirect to no host", ROUTES("{ " P "redirect = \"https:///a\"; }"), "it names no host"},
    {"a redirect to a user", ROUTES("{ " P "redirect = \"https://www.example@evil.example/\"; }"), "hides its host"},
    {"a redirect that says not where", ROUTES("{ " P "respond = 302; }"), "respond: 302 is a redirect"},
    /* C2, B1: framing and identity are nobody's to write */
    {"C2: a length of its own", ROUTES("{ " P UP "set_headers = { Content-Length = \"5\"; }; }"), "set_headers: Content-Length cannot be set by a route: it says where the body ends"},
    {"C2: the framing in other letters", ROUTES("{ " P UP "set_headers = { transfer_encoding = \"chunked\"; }; }"), "transfer_encoding cannot be set"},
    {"C2: a length removed", ROUTES("{ " P UP "remove_headers = \"content-length\"; }"), "remove_headers: content-length cannot be removed"},
    {"C2: Connection", ROUTES("{ " P UP "set_headers = { Connection = \"X-A\"; }; }"), "it belongs to the connection"},
    {"Host, which has a key", ROUTES("{ " P UP "set_headers = { Host = \"a\"; }; }"), "give set_host instead"},
    {"a name that is none", ROUTES("{ " P UP "remove_headers = \"X Debug\"; }"), "it cannot be the name of a field"},
    {"a name with a line end", ROUTES("{ " P UP "remove_headers = [ \"X:\" ]; }"), "it cannot be the name of a field"},
    {"a field twice", ROUTES("{ " P UP "set_headers = { X-A = \"1\"; x-a = \"2\"; }; }"), "x-a is set already"},
    {"a field set and removed", ROUTES("{ " P UP "set_headers = { X-A = \"1\"; }; remove_headers = \"x-a\"; }"), "remove_headers: X-A is also in set_headers"},
    {"cert where nobody is asked", PLAIN("{ " P "cert = \"none\"; " UP "}"), "cert: needs a listener with tls, a trust"},
    {"caller where nobody is asked", PLAIN("{ caller = ( { cn = \"a\"; } ); " UP "}"), "caller: needs a listener with tls"},
    {"allow where nobody is asked", PLAIN("{ " P "allow = ( { cn = \"a\"; } ); " UP "}"), "allow: needs a listener with tls"},
    {"none where a certificate is required", ROUTES_ASKING("required", "{ cert = \"none\"; respond = 403; }, { " UP "}"), "cert: never matches: with client_cert = \"required\""},
    {"a status that is refused before", ROUTES("{ cert = \"expired\"; redirect = \"/expired.html\"; }"), "cert: never matches: the handshake refuses such certificates, as tls.tolerate does not name this status"},
    {"any bad status", ROUTES("{ cert = \"error\"; respond = 403; }"), "cert: never matches"},
    /* the first that matches decides: what stands behind it is dead, and often was meant to deny */
    {"behind a route without a match", PLAIN("{ " UP "}"), "routes[1]: is never reached: the route at x.conf:2 matches everything"},
    {"behind a shorter path", PLAIN("{ path = \"/\"; " UP "}"), "routes[1]: is never reached"},
    {"behind the same path", ROUTES("{ " P UP "}, { " P "deny = true; }"), "routes[1]: is never reached"},
    {"a path below", ROUTES("{ " P UP "}, { path = \"/p/q\"; deny = true; }"), "routes[1]: is never reached"},
    {"a path below, of one host and method", ROUTES("{ " P UP "}, { path = \"/p/q\"; host = \"a\"; method = \"PUT\"; deny = true; }"), "routes[1]: is never reached"},
    {"the same host in capitals", ROUTES("{ host = \"a.example\"; " UP "}, { host = \"A.Example\"; deny = true; }"), "routes[1]: is never reached"},
    {"a host of a suffix", ROUTES("{ host = [ \"c.d\", \"*.a.example\" ]; " UP "}, { host = [ \"b.a.example\", \"c.d\" ]; deny = true; }"), "routes[1]: is never reached"},
    {"a suffix of a suffix", ROUTES("{ host = \"*.example\"; " UP "}, { host = \"*.a.example\"; deny = true; }"), "routes[1]: is never reached"},
    {"one method of several", ROUTES("{ method = [ \"GET\", \"HEAD\" ]; " UP "}, { method = \"HEAD\"; deny = true; }"), "routes[1]: is never reached"},
    {"one status of several", ROUTES("{ " P "cert = [ \"valid\", \"none\" ]; " UP "}, { " P "cert = \"none\"; deny = true; }"), "routes[1]: is never reached"},
    {"all that can be", ROUTES("{ " P "cert = [ \"valid\", \"none\" ]; " UP "}, { " P "deny = true; }"), "routes[1]: is never reached"},
    {"the same callers", ROUTES("{ caller = ( { cn = \"a\"; }, { cn = \"b\"; } ); " UP "}, { caller = ( { cn = \"b\"; } ); deny = true; }"), "routes[1]: is never reached"},
    {"behind a gate, which is no match", ROUTES("{ " P "allow = ( { ou = \"ops\"; } ); " UP "}, { " P "respond = 404; }"), "routes[1]: is never reached"},
};

static const struct config_row taken[] = {
    {"a slash at the end of what is forwarded", ROUTES("{ path = \"/p/\"; " UP "}"), "path: \"/p/\" matches only what is below it, not \"/p\" itself: leave out the last slash"},
    {"and of what is refused, which is wider", ROUTES("{ path = \"/p/\"; respond = 403; }"), NULL},
    {"a variable of nginx, which is none", ROUTES("{ path = \"/p\"; " UP "set_headers = { X-Real-IP = \"$remote_addr\"; }; }"), "set_headers.X-Real-IP: \"$remote_addr\" is sent as it stands: variables are written"},
    {"a dollar inside", ROUTES("{ path = \"/p\"; " UP "set_headers = { X-Price = \"5$\"; }; }"), NULL},
    {"A2: each path has its answer", TOLERATING("\"expired\"", "routes = ( { path = \"/a\"; cert = \"error\"; respond = 403; }, { path = \"/a\"; " UP " }, "
                                                "{ cert = \"error\"; redirect = \"https://help.example/e\"; }, { " UP " } );"), NULL},
    {"A2: each tolerated status has its answer", TOLERATING("[ \"expired\", \"revoked\" ]",
     "routes = ( { cert = \"expired\"; redirect = \"https://help.example/e\"; }, { cert = [ \"revoked\", \"expired\" ]; respond = 403; }, { " UP "} );"), NULL},
    {"A2: error is all of them", TOLERATING("\"all\"", "routes = ( { cert = \"error\"; path = \"/e\"; " UP "}, { cert = \"error\"; redirect = \"/e?why\"; }, { " UP "} );"), NULL},
    {"a page that is nowhere", TOLERATING("\"expired\"", "routes = ( { cert = \"expired\"; redirect = \"/e\"; }, { " UP "} );"),
     "redirect: a caller who is sent to \"/e\" comes back to this route and is sent there again: put a route with path = \"/e\" before it"},
    {"a page that comes too late", TOLERATING("\"expired\"", "routes = ( { cert = \"expired\"; redirect = \"/e#x\"; }, { path = \"/e\"; cert = \"valid\"; " UP "}, { cert = \"valid\"; " UP "} );"), "sent to \"/e#x\" comes back"},
    {"a page for some of them", TOLERATING("\"all\"", "routes = ( { cert = \"expired\"; path = \"/e\"; " UP "}, { cert = \"error\"; redirect = \"/e\"; }, { " UP "} );"), "sent to \"/e\" comes back"},
    {"a page below the path that is redirected", ROUTES("{ path = \"/old\"; redirect = \"/old/new\"; }"), "sent to \"/old/new\" comes back"},
    {"a page beside it", ROUTES("{ path = \"/old\"; redirect = \"/older\"; }"), NULL},
    {"a page that only a POST misses", ROUTES("{ method = \"POST\"; path = \"/form\"; redirect = \"/form\"; redirect_status = 303; }"), NULL},
    {"a status of lists, without a list", TOLERATING("\"all\"", "routes = ( { cert = [ \"revoked\", \"crl_stale\" ]; respond = 403; }, { cert = \"error\"; respond = 403; }, { " UP "} );"),
     "routes[0].cert: never matches: trust \"ca\" has no revocation list; give it one with crl"},
    {"A2: a help page by name", TOLERATING("[ \"expired\" ]", "routes = ( { cert = \"expired\"; path = \"/e\"; " UP "}, { cert = \"expired\"; redirect = \"/e\"; }, { " UP "} );"), NULL},
    {"A2: the application asks for valid ones", TOLERATING("\"all\"", "routes = ( { cert = \"valid\"; " UP "} );"), NULL},
    {"A2: a gate lets valid ones through only", TOLERATING("\"all\"", "routes = ( { allow = ( { ou = \"ops\"; } ); " UP "} );"), NULL},
    {"a gate that is only tried out", ROUTES("{ " P "allow = ( { ou = \"ops\"; } ); allow_log_only = true; " UP "}"), "allow_log_only: clients that allow refuses pass"},
    {"a gate to try out that is not there", ROUTES("{ " P "allow_log_only = true; " UP "}"), "allow_log_only: has no effect"},
    {"A2: so does the listener's", TOLERATING("\"all\"", "allow = ( { ou = \"ops\"; } ); routes = ( { " UP "} );"), NULL},
    {"A2: callers are valid ones", TOLERATING("\"all\"", "routes = ( { caller = ( { ou = \"ops\"; } ); " UP "}, { respond = 403; } );"), NULL},
    {"A2: a match in the place of a gate", OPTIONAL("{ " P "cert = \"valid\"; " UP "}, { path = \"/x\"; cert = \"none\"; " UP "}, { " UP "}"),
     "routes[0].cert: protects nothing: other clients reach the same upstream by the route at x.conf:4"},
    {"A2: callers in the place of a gate", OPTIONAL("{ " P "caller = ( { cn = \"a\"; } ); " UP "}, { cert = \"none\"; respond = 403; }, { " UP "}"),
     "routes[0].caller: protects nothing"},
    {"A2: with something for the others behind it", OPTIONAL("{ " P "cert = \"valid\"; " UP "}, { " P "respond = 403; }, { " UP "}"), NULL},
    {"A2: something for those without one", OPTIONAL("{ " P "cert = \"valid\"; " UP "}, { cert = \"none\"; redirect = \"https://login.example/\"; }, { " UP "}"), NULL},
    {"A2: a gate behind it", OPTIONAL("{ " P "caller = ( { cn = \"a\"; } ); " UP "}, { allow = ( { cn = \"b\"; } ); " UP "}"), NULL},
    {"A2: callers who get something of their own", OPTIONAL("{ caller = ( { cn = \"a\"; } ); set_headers = { X-A = \"a\"; }; " UP "}, { " UP "}"), NULL},
    {"routes that share nothing", ROUTES("{ host = \"*.a.example\"; " UP "}, { host = \"a.example\"; " UP "}, { path = \"/pq\"; " UP "}, { " P UP "}, { path = \"/p%C3%A9/\"; respond = 404; }"), NULL},
    {"a narrow one in front of a wide one", ROUTES("{ path = \"/p/q\"; " UP "}, { " P UP "}, { host = \"a\"; method = \"GET\"; " UP "}, { host = \"a\"; " UP "}"), NULL},
    {"overlapping lists", ROUTES("{ method = [ \"GET\", \"HEAD\" ]; host = \"a\"; " UP "}, { method = [ \"GET\", \"PUT\" ]; host = \"a\"; " UP "}"), NULL},
    {"other callers", ROUTES("{ caller = ( { cn = \"a\"; } ); " UP "}, { caller = ( { cn = \"a\"; ou = \"b\"; } ); " UP "}, { caller = ( { cn = \"c\"; } ); " UP "}"), NULL},
    {"by status", ROUTES("{ cert = \"none\"; redirect = \"https://login.example/login.html?a=b#c\"; redirect_status = 303; }, { cert = \"valid\"; path = \"/admin\"; allow = ( { ou = \"ops\"; } ); " UP "}"), NULL},
    {"edits", ROUTES("{ path = \"/api/v1\"; strip_prefix = \"/api\"; set_host = \"preserve\"; set_headers = { X-A = \"a b\"; Accept = \"*/*\"; }; remove_headers = [ \"X-B\", \"Cookie\" ]; " UP "}"), NULL},
    {"redirects", ROUTES("{ path = \"/a\"; redirect = \"https://www.example:8443/x?y\"; }, { path = \"/b\"; redirect = \"/\"; redirect_status = 308; }, { path = \"/c\"; respond = 204; }, { path = \"/d\"; deny = true; }"), NULL},
    {"hosts of all kinds", ROUTES("{ host = [ \"a_b.example\", \"10.0.0.1\", \"::1\", \"*.localhost\", \"xn--bcher-kva.example\" ]; " UP "}"), NULL},
    {"a status without a redirect", ROUTES("{ " P UP "redirect_status = 301; }"), "redirect_status: has no effect: there is no redirect"},
    {"an edit of what is not forwarded", ROUTES("{ " P "respond = 404; set_headers = { X-A = \"a\"; }; }"), "set_headers: has no effect: nothing is forwarded"},
    {"a host for what is not forwarded", ROUTES("{ " P "deny = true; set_host = \"upstream\"; }"), "set_host: has no effect: nothing is forwarded"},
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
    Suite *s = suite_create("config_check_routes");
    TCase *t = tcase_create("config_check_routes");
    tcase_add_loop_test(t, refuses_it_and_says_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
