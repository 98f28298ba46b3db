/* SPDX-License-Identifier: Apache-2.0 */
/* C9, C12, E1: whatever the target, no reading of a path that a server might have leads below a prefix that the route did not see; what is left of a stripped
 * path is a path; and a page's host passes for ours in no spelling. */
#include "fuzz.h"

#include "mtlsd/base/request_path.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_target.h"
#include "mtlsd/policy/browser.h"
#include "mtlsd/policy/route.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static unsigned digit_of(uint8_t c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

enum reading { AS_IT_IS, CUT_THEN_DECODE, DECODE_THEN_CUT, N_READINGS };

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool are_blanks(const char *segment, size_t len)
{
    while (len > 0 && is_blank(segment[len - 1]))
        len--;
    return len == 0;
}

static bool is_encoding(struct span s, size_t i)
{
    return s.ptr[i] == '%' && s.len - i > 2 && isxdigit(s.ptr[i + 1]) && isxdigit(s.ptr[i + 2]);
}

/* Some servers ignore case, and some cut dots, blanks and control bytes off. */
static bool is_name(const char *segment, size_t len, bool lenient, const char *name)
{
    while (lenient && len > 0 && (segment[len - 1] == '.' || is_blank(segment[len - 1])))
        len--;
    for (; lenient && len > 0 && is_blank(*segment); segment++)
        len--;
    return len == strlen(name) && (lenient ? strncasecmp(segment, name, len) : memcmp(segment, name, len)) == 0;
}

/* The first segment that is not empty and no dot, as a careless server reads it. */
static bool leads_to(struct span path, enum reading how, bool lenient, const char *name)
{
    char segment[64];
    size_t len = 0;
    bool cut = false;
    for (size_t i = 0; i <= path.len; i++) {
        if (i == path.len || path.ptr[i] == '/') {
            if (lenient && are_blanks(segment, len))
                len = 0;
            if (len > 0 && !(len == 1 && segment[0] == '.'))
                return len < sizeof(segment) && is_name(segment, len, lenient, name);
            len = 0;
            cut = false;
            continue;
        }
        uint8_t c = path.ptr[i];
        if (is_encoding(path, i)) {
            c = (uint8_t)(digit_of(path.ptr[i + 1]) * 16 + digit_of(path.ptr[i + 2]));
            cut = cut || (how == DECODE_THEN_CUT && c == ';');
            i += 2;
        } else {
            cut = cut || (how != AS_IT_IS && c == ';');
        }
        if (!cut && len < sizeof(segment))
            segment[len++] = (char)c;
    }
    return false;
}

/* What a server passes on that does not write the encoding anew, as the next one takes it apart. */
static struct span passed_on(struct span path, uint8_t *to)
{
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.ptr[i];
        if (is_encoding(path, i)) {
            c = (uint8_t)(digit_of(path.ptr[i + 1]) * 16 + digit_of(path.ptr[i + 2]));
            i += 2;
        }
        if (c == '?' || c == '#')
            break;
        to[n++] = c == '\\' ? '/' : c;
    }
    return span_of(to, n);
}

static void check_chain(struct span path, bool gated)
{
    uint8_t *to = malloc(path.len + 1);
    assert(to != NULL);
    struct span next = passed_on(path, to);
    for (int how = AS_IT_IS; how < N_READINGS; how++)
        assert(gated || !leads_to(next, (enum reading)how, true, "admin"));
    free(to);
}

static void check_path(struct span path)
{
    bool seen = request_path_covered("/admin", path, PATH_AS_SPELLED) != SIZE_MAX;
    bool gated = request_path_covered("/admin/", path, PATH_WIDE) != SIZE_MAX;
    assert(!seen || gated);
    assert(gated == (request_path_covered("/ADMIN.", path, PATH_WIDE) != SIZE_MAX));
    for (int how = AS_IT_IS; how < N_READINGS; how++) {
        assert(seen || !leads_to(path, (enum reading)how, false, "admin"));
        assert(gated || !leads_to(path, (enum reading)how, true, "admin"));
    }
    check_chain(path, gated);
    size_t covered = request_path_covered("/api", path, PATH_AS_SPELLED);
    if (covered != SIZE_MAX && covered < path.len)
        assert(http_target_path_refusal(span_skip(path, covered)) == NULL);
}

static void check_host(const struct http_target *t)
{
    static char bind_text[] = "127.0.0.1:8080", name[] = "app";
    struct address bind;
    assert(address_parse(bind_text, &bind, NULL) == 0);
    struct config_listener l = {.name = name, .bind = &bind, .n_bind = 1};
    struct browser_question q = {.host = t->host, .port = t->port, .local_port = 8080};
    if (browser_judge(&l, &q, NULL) != REASON_VALID || t->host.len == 0)
        return;
    struct span host = t->host;
    if (host.ptr[host.len - 1] == '.')
        host.len--;
    bool by_name = host.len >= 9 && span_equals_nocase_str(span_skip(host, host.len - 9), "localhost");
    assert(by_name || span_equals_str(host, "::1") || (host.len > 4 && memcmp(host.ptr, "127.", 4) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *space = n > 0 ? memchr(bytes, ' ', n) : NULL;
    if (space == NULL)
        return 0;
    struct http_field host = {span_from_str("Host"), span_of(space + 1, n - (size_t)(space - bytes) - 1)};
    struct http_head h = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_of(bytes, (size_t)(space - bytes)), .fields = &host, .n_fields = 1};
    struct http_target t;
    struct bytes rewritten = {.max = 1 << 20};
    if (http_guard_request(&h, &t, NULL) != REASON_VALID)
        return 0;
    check_host(&t);
    if (t.path.len > 0 && http_target_path_refusal(t.path) == NULL)
        check_path(t.path);
    if (t.path.len > 0 && http_target_normalize(&rewritten, t.path, NULL) == 0)
        check_path(bytes_span(&rewritten));
    bytes_clear(&rewritten);
    return 0;
}
