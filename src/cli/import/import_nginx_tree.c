/* SPDX-License-Identifier: Apache-2.0 */
#include "import_nginx.h"

#include <stdlib.h>
#include <string.h>

struct parser {
    struct import_model *m;
    struct import_block *at; /* the open block */
    char *w[IMPORT_MAX_WORDS];  /* of the directive being read; owned */
    size_t n, line, begun, count, depth;
    bool is_over;
};

static void drop_words(struct parser *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->w[i]);
    p->n = 0;
}

/* ; or { after words. */
static void end_directive(struct parser *p, bool opens)
{
    if (++p->count > IMPORT_BLOCKS_MAX || (opens && p->depth == IMPORT_DEPTH_MAX)) {
        import_left(p->m, &p->m->top, p->line, "the rest of the file: there are too many directives or blocks in one another");
        p->is_over = true;
        return;
    }
    struct import_block *d = import_block_add(p->at, p->w, p->n, p->begun);
    if (d == NULL) {
        p->m->failed = true;
        p->is_over = true;
        return;
    }
    p->n = 0;
    if (opens) {
        p->at = d;
        p->depth++;
    }
}

/* A word from the line's byte at; where it ends. */
static size_t read_word(struct parser *p, struct span s, size_t at)
{
    char *word = malloc(s.len - at + 1);
    if (word == NULL || p->n == IMPORT_MAX_WORDS) {
        free(word);
        p->m->failed = p->m->failed || word == NULL;
        import_left(p->m, &p->m->top, p->line, "the rest of the file: a directive has more than %d words", IMPORT_MAX_WORDS);
        p->is_over = true;
        return s.len;
    }
    size_t n = 0;
    char quote = s.ptr[at] == '"' || s.ptr[at] == '\'' ? (char)s.ptr[at++] : '\0';
    for (; at < s.len; at++) {
        char c = (char)s.ptr[at];
        if (c == '\\' && at + 1 < s.len)
            c = (char)s.ptr[++at];
        else if (quote != '\0' ? c == quote : c == ' ' || c == '\t' || c == ';' || (c == '{' && (at == 0 || s.ptr[at - 1] != '$')))
            break;
        word[n++] = c;
    }
    word[n] = '\0';
    if (p->n == 0)
        p->begun = p->line;
    p->w[p->n++] = word;
    if (quote == '\0')
        return at;
    if (at == s.len) {
        import_left(p->m, &p->m->top, p->line, "the rest of the file: a quoted text does not end in its line");
        p->is_over = true;
    }
    return at + 1;
}

static void read_line(struct parser *p, struct span s)
{
    for (size_t at = 0; at < s.len && !p->is_over;) {
        char c = (char)s.ptr[at];
        if (c == '#')
            return;
        if (c == ' ' || c == '\t') {
            at++;
        } else if (c == ';' || c == '{') {
            at++;
            if (p->n > 0)
                end_directive(p, c == '{');
            else
                import_left(p->m, &p->m->top, p->line, "\"%c\" without a directive", c);
        } else if (c == '}') {
            at++;
            if (p->n > 0 || p->at->parent == NULL)
                import_left(p->m, &p->m->top, p->line, "\"}\" ends no block, or a directive before it has no end");
            drop_words(p);
            if (p->at->parent != NULL) {
                p->at = p->at->parent;
                p->depth--;
            }
        } else {
            at = read_word(p, s, at);
        }
    }
}

struct import_block *nginx_parse(struct import_model *m)
{
    struct import_block *top = calloc(1, sizeof(*top));
    if (top == NULL)
        return NULL;
    struct parser p = {.m = m, .at = top};
    for (p.line = 1; p.line <= m->n_lines && !p.is_over; p.line++)
        read_line(&p, m->lines[p.line - 1]);
    if (!p.is_over && (p.n > 0 || p.at != top))
        import_left(m, &m->top, m->n_lines, "the file ends inside a block or directive: is it whole?");
    drop_words(&p);
    return top;
}

bool nginx_is_on(const struct import_block *in, const char *word)
{
    const char *value = import_block_value(in, word);
    return value != NULL && strcmp(value, "on") == 0;
}

bool nginx_is_needless(const char *word)
{
    return import_is(word, "user worker_processes pid events error_log access_log log_format include_ default_type sendfile tcp_nopush tcp_nodelay types_hash_max_size "
                           "keepalive_timeout keepalive_requests keepalive ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_prefer_server_ciphers "
                           "server_tokens client_max_body_size proxy_buffering proxy_request_buffering proxy_http_version http2 zone worker_connections worker_rlimit_nofile "
                           "server_name_in_redirect server_names_hash_bucket_size proxy_ssl_session_reuse proxy_redirect proxy_buffers proxy_buffer_size ssl_dhparam "
                           "daemon master_process underscores_in_headers proxy_ssl_server_name ssl_ecdh_curve ssl_buffer_size types");
}

bool nginx_is_read(const char *word)
{
    return import_is(word, "map listen server_name ssl ssl_certificate ssl_certificate_key ssl_client_certificate ssl_trusted_certificate ssl_crl ssl_verify_client "
                           "ssl_verify_depth ssl_ocsp ssl_ocsp_responder ssl_protocols ssl_ciphers location if return deny allow auth_basic auth_basic_user_file auth_request satisfy limit_req "
                           "limit_conn ssl_preread upstream server proxy_pass proxy_set_header proxy_ssl proxy_ssl_certificate proxy_ssl_certificate_key "
                           "proxy_ssl_trusted_certificate proxy_ssl_crl proxy_ssl_name proxy_ssl_verify proxy_connect_timeout proxy_timeout proxy_read_timeout proxy_protocol");
}
