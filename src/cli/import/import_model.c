/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(struct import_model *m, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t n = strlen(text) + 1;
    char *out = malloc(n);
    if (out == NULL)
        m->failed = true;
    else
        memcpy(out, text, n);
    return out;
}

struct import_node *import_add(struct import_model *m, struct import_node *to, enum import_form form, const char *key, const char *text)
{
    struct import_node *node = calloc(1, sizeof(*node));
    if (node == NULL || to == &m->spare) {
        free(node);
        m->failed = true;
        return &m->spare;
    }
    node->form = form;
    node->key = copy(m, key);
    node->text = copy(m, text);
    node->parent = to;
    if (to->last != NULL)
        to->last->next = node;
    else
        to->first = node;
    to->last = node;
    return node;
}

/* Without recursion: the last leaf goes first. */
static void free_below(struct import_node *top)
{
    struct import_node *node = top;
    while (top->first != NULL) {
        while (node->first != NULL)
            node = node->first;
        struct import_node *parent = node->parent;
        parent->first = node->next;
        free(node->key);
        free(node->text);
        free(node);
        node = parent;
    }
    top->last = NULL;
}

void import_remove(struct import_model *m, struct import_node *node)
{
    if (node == &m->spare)
        return;
    struct import_node *parent = node->parent, *before = NULL;
    for (struct import_node *n = parent->first; n != node; n = n->next)
        before = n;
    if (before != NULL)
        before->next = node->next;
    else
        parent->first = node->next;
    if (parent->last == node)
        parent->last = before;
    free_below(node);
    free(node->key);
    free(node->text);
    free(node);
}

static int split_lines(struct import_model *m, struct span source, struct err *err)
{
    size_t n = 1;
    for (size_t i = 0; i < source.len; i++)
        n += source.ptr[i] == '\n';
    m->lines = calloc(n, sizeof(*m->lines));
    m->told = calloc(n + 1, sizeof(*m->told));
    if (m->lines == NULL || m->told == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t at = 0; at < source.len;) {
        const uint8_t *end = memchr(source.ptr + at, '\n', source.len - at);
        size_t len = end != NULL ? (size_t)(end - source.ptr) - at : source.len - at, next = at + len + 1;
        if (len > IMPORT_MAX_LINE)
            return err_set(err, ERR_CONFIG, "%s:%zu: the line has more than %zu bytes: break it", m->path, m->n_lines + 1, IMPORT_MAX_LINE);
        if (len > 0 && source.ptr[at + len - 1] == '\r')
            len--;
        m->lines[m->n_lines++] = span_of(source.ptr + at, len);
        at = next;
    }
    return 0;
}

int import_begin(struct import_model *m, const char *program, const char *path, struct span source, struct err *err)
{
    *m = (struct import_model){.program = program, .path = path, .top.form = IMPORT_GROUP, .spare.form = IMPORT_GROUP};
    for (size_t i = 0; i < source.len; i++) /* other control bytes are quoted, but these are in no text */
        if (source.ptr[i] == 0)
            return err_set(err, ERR_CONFIG, "%s: byte %zu is NUL: this is not a text file", path, i + 1);
    if (split_lines(m, source, err) != 0)
        return -1;
    m->identities = import_group(m, &m->top, "identities");
    m->trusts = import_group(m, &m->top, "trusts");
    m->upstreams = import_group(m, &m->top, "upstreams");
    m->listeners = import_group(m, &m->top, "listeners");
    return 0;
}

void import_clear(struct import_model *m)
{
    free_below(&m->top);
    free(m->lines);
    free(m->told);
    m->lines = NULL;
    m->told = NULL;
}

struct import_node *import_at(struct import_node *node, size_t line)
{
    node->line = line;
    return node;
}

struct import_node *import_find(const struct import_node *in, const char *key)
{
    for (struct import_node *n = in->first; n != NULL; n = n->next)
        if (n->key != NULL && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

bool import_has_group(const struct import_node *in)
{
    for (const struct import_node *n = in->first; n != NULL; n = n->next)
        if (n->form == IMPORT_GROUP)
            return true;
    return false;
}

static void set(struct import_model *m, struct import_node *to, enum import_form form, const char *key, const char *text, size_t line)
{
    struct import_node *old = key != NULL ? import_find(to, key) : NULL;
    if (old != NULL) /* the later line counts, as in the programs */
        import_remove(m, old);
    import_at(import_add(m, to, form, key, text), line);
}

void import_string(struct import_model *m, struct import_node *to, const char *key, const char *text, size_t line)
{
    set(m, to, IMPORT_STRING, key, text, line);
}

void import_plain(struct import_model *m, struct import_node *to, const char *key, const char *text, size_t line)
{
    set(m, to, IMPORT_PLAIN, key, text, line);
}

struct import_node *import_group(struct import_model *m, struct import_node *to, const char *key)
{
    struct import_node *old = import_find(to, key);
    return old != NULL ? old : import_add(m, to, IMPORT_GROUP, key, NULL);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

struct import_node *import_named(struct import_model *m, struct import_node *to, const char *like)
{
    char base[48], name[64];
    size_t n = 0;
    for (const char *c = like; *c != '\0' && n < sizeof(base) - 1; c++)
        if (is_name_byte(*c))
            base[n++] = *c;
        else if (n > 0 && base[n - 1] != '-')
            base[n++] = '-';
    while (n > 0 && base[n - 1] == '-')
        n--;
    base[n] = '\0';
    bool begins_well = n > 0 && base[0] != '-' && base[0] != '_' && (base[0] < '0' || base[0] > '9');
    snprintf(name, sizeof(name), "%s%s", begins_well ? "" : "n", base);
    if (strcmp(name, "system") == 0) /* a built-in trust */
        snprintf(name, sizeof(name), "system-own");
    for (unsigned i = 2; import_find(to, name) != NULL; i++)
        snprintf(name, sizeof(name), "%s%s-%u", begins_well ? "" : "n", base, i);
    return import_add(m, to, IMPORT_GROUP, name, NULL);
}

static void remark(struct import_model *m, struct import_node *to, enum import_form form, size_t line, const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    bool is_told = line > 0 && line <= m->n_lines && m->told[line] == hash;
    struct import_node *node = import_at(import_add(m, to, form, NULL, text), line);
    if (is_told || node == &m->spare) {
        node->is_repeated = true;
        return;
    }
    if (line > 0 && line <= m->n_lines)
        m->told[line] = hash;
    m->left += form == IMPORT_LEFT;
    m->remarks += form == IMPORT_REMARK;
}

void import_left(struct import_model *m, struct import_node *to, size_t line, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    remark(m, to, IMPORT_LEFT, line, text);
}

void import_remark(struct import_model *m, struct import_node *to, size_t line, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    remark(m, to, IMPORT_REMARK, line, text);
}

void import_keep_remarks(struct import_model *m, const struct import_node *from, struct import_node *to)
{
    for (const struct import_node *n = from->first; n != NULL; n = n->next) {
        if (n->form == IMPORT_ROWS)
            for (const struct import_node *row = n->first; row != NULL; row = row->next)
                if (row->form == IMPORT_LEFT || row->form == IMPORT_REMARK)
                    import_at(import_add(m, to, row->form, NULL, row->text), row->line)->is_repeated = row->is_repeated;
        if (n->form == IMPORT_LEFT || n->form == IMPORT_REMARK)
            import_at(import_add(m, to, n->form, NULL, n->text), n->line)->is_repeated = n->is_repeated;
    }
}

void import_check_backups(struct import_model *m, struct import_node *targets)
{
    bool has_other = false;
    for (const struct import_node *n = targets->first; n != NULL; n = n->next)
        has_other = has_other || (n->form == IMPORT_GROUP && import_find(n, "backup") == NULL);
    for (struct import_node *n = targets->first; n != NULL && !has_other; n = n->next)
        if (n->form == IMPORT_GROUP && import_find(n, "backup") != NULL) {
            import_remark(m, n, n->first->line, "all targets are backups, so none is written as one");
            import_remove(m, import_find(n, "backup"));
        }
}

/* ---- routes ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool import_same(const struct import_node *a, const struct import_node *b) /* trees of ours are a few levels deep */
{
    const struct import_node *x = a->first, *y = b->first;
    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        bool is_remark = x->form == IMPORT_LEFT || x->form == IMPORT_REMARK;
        if (x->form != y->form || !same_text(x->key, y->key) || (!is_remark && !same_text(x->text, y->text)) || !import_same(x, y))
            return false;
    }
    return x == NULL && y == NULL;
}

static bool has_word(const struct import_node *list, const char *word)
{
    for (const struct import_node *n = list->first; n != NULL; n = n->next)
        if (same_text(n->text, word))
            return true;
    return false;
}

static bool covers_certs(const struct import_node *a, const struct import_node *b)
{
    for (const struct import_node *n = b->first; n != NULL; n = n->next) {
        bool is_error = !same_text(n->text, "valid") && !same_text(n->text, "none");
        if (!has_word(a, n->text) && !(is_error && has_word(a, "error")))
            return false;
    }
    return true;
}

static bool covers_path(const char *a, const char *b)
{
    size_t n = strlen(a);
    return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/');
}

static bool covers(const struct import_node *a, const struct import_node *b)
{
    static const char *const keys[] = {"host", "sni", "method", "caller", "cert", "path"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct import_node *x = import_find(a, keys[i]), *y = import_find(b, keys[i]);
        if (x == NULL)
            continue;
        if (y == NULL || (i == 4 ? !covers_certs(x, y) : i == 5 ? !covers_path(x->text, y->text) : !import_same(x, y)))
            return false;
    }
    return true;
}

void import_prune(struct import_model *m, struct import_node *routes)
{
    for (struct import_node *a = routes->first; a != NULL && !m->failed; a = a->next) {
        struct import_node *next;
        for (struct import_node *b = a->next; a->form == IMPORT_GROUP && b != NULL; b = next) {
            next = b->next;
            if (b->form != IMPORT_GROUP || !covers(a, b))
                continue;
            import_keep_remarks(m, b, routes);
            size_t line = b->first != NULL ? b->first->line : 0;
            import_remove(m, b);
            import_remark(m, routes, line, "not needed: an earlier route takes all its requests");
        }
    }
}

/* ---- files ---- */

static const char *last_part(const char *path, char out[48])
{
    const char *slash = strrchr(path, '/');
    snprintf(out, 48, "%s", slash != NULL ? slash + 1 : path);
    char *dot = strrchr(out, '.');
    if (dot != NULL && dot != out)
        *dot = '\0';
    return out;
}

static bool has(const struct import_node *group, const char *key, const char *value)
{
    const struct import_node *n = import_find(group, key);
    if (n != NULL && n->form == IMPORT_LIST)
        n = n->first;
    return n == NULL || n->text == NULL || value == NULL ? n == NULL && value == NULL : strcmp(n->text, value) == 0;
}

static void put_path(struct import_model *m, struct import_node *to, const char *key, const char *path, size_t line)
{
    if (path == NULL)
        return;
    m->is_relative = m->is_relative || (path[0] != '/' && strcmp(path, "system") != 0);
    import_string(m, to, key, path, line);
}

const char *import_identity(struct import_model *m, const char *certificate, const char *key, const char *chain, size_t line)
{
    char like[48];
    bool is_bundle = key == NULL || strcmp(key, certificate) == 0;
    for (struct import_node *n = m->identities->first; n != NULL; n = n->next)
        if (has(n, is_bundle ? "bundle" : "certificate", certificate) && has(n, "key", is_bundle ? NULL : key) && has(n, "chain", chain))
            return n->key != NULL ? n->key : "";
    struct import_node *made = import_named(m, m->identities, last_part(certificate, like));
    put_path(m, made, is_bundle ? "bundle" : "certificate", certificate, line);
    put_path(m, made, "key", is_bundle ? NULL : key, line);
    put_path(m, made, "chain", chain, line);
    return made->key != NULL ? made->key : "";
}

const char *import_trust(struct import_model *m, const struct import_trust_files *files)
{
    char like[48];
    const char *ca = files->ca != NULL ? files->ca : "system";
    if (strcmp(ca, "system") == 0 && files->crl == NULL && files->depth == NULL && files->ocsp == NULL)
        return "system";
    for (struct import_node *n = m->trusts->first; n != NULL; n = n->next)
        if (has(n, "ca", ca) && has(n, "crl", files->crl) && has(n, "depth", files->depth) && has(n, "ocsp", files->ocsp) &&
            has(n, "ocsp_responder", files->ocsp_responder))
            return n->key != NULL ? n->key : "";
    struct import_node *made = import_named(m, m->trusts, last_part(ca, like));
    put_path(m, made, "ca", ca, files->line);
    if (files->crl != NULL) {
        struct import_node *list = import_at(import_add(m, made, IMPORT_LIST, "crl", NULL), files->crl_line);
        m->is_relative = m->is_relative || files->crl[0] != '/';
        import_add(m, list, IMPORT_STRING, NULL, files->crl);
    }
    if (files->depth != NULL)
        import_plain(m, made, "depth", files->depth, files->line);
    if (files->ocsp != NULL)
        import_string(m, made, "ocsp", files->ocsp, files->ocsp_line);
    if (files->ocsp_responder != NULL)
        import_string(m, made, "ocsp_responder", files->ocsp_responder, files->ocsp_line);
    if (files->ocsp != NULL && files->ocsp_responder == NULL)
        import_remark(m, made, files->ocsp_line, "list OCSP responders on private addresses in ocsp_hosts");
    return made->key != NULL ? made->key : "";
}
