/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include <stdio.h>
#include <string.h>

enum { INDENT = 2, SHOWN = 160 };

struct writer {
    const struct import_model *m;
    struct bytes *out;
    size_t last_line; /* whose text was shown */
};

static void quoted(struct bytes *out, const char *text)
{
    bytes_append_str(out, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        bytes_printf(out, byte == '"' || byte == '\\' ? "\\%c" : byte < 0x20 || byte == 0x7f ? "\\x%02x" : "%c", byte);
    }
    bytes_append_str(out, "\"");
}

/* A comment ends with its line, so only line ends and other control bytes matter. */
static void comment(struct bytes *out, struct span text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    for (size_t i = 0; i < text.len && i < SHOWN; i++)
        bytes_printf(out, "%c", text.ptr[i] == '\t' ? ' ' : text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? '.' : text.ptr[i]);
    bytes_append_str(out, text.len > SHOWN ? " ..." : "");
}

static void source_line(struct writer *w, size_t line)
{
    if (line == 0 || line > w->m->n_lines || line == w->last_line)
        return;
    bytes_printf(w->out, "  # %zu: ", line);
    comment(w->out, w->m->lines[line - 1]);
    w->last_line = line;
}

static void indent(struct writer *w, size_t depth)
{
    for (size_t i = 0; i < depth * INDENT; i++)
        bytes_append_str(w->out, " ");
}

static void write_remark(struct writer *w, const struct import_node *node, size_t depth)
{
    if (node->line > 0 && node->line <= w->m->n_lines && node->line != w->last_line) {
        bytes_printf(w->out, "# %zu: ", node->line);
        comment(w->out, w->m->lines[node->line - 1]);
        bytes_append_str(w->out, "\n");
        indent(w, depth);
        w->last_line = node->line;
    }
    bytes_append_str(w->out, node->form == IMPORT_LEFT ? "# LEFT OUT: " : "# NOTE: ");
    comment(w->out, node->text != NULL ? span_of(node->text, strlen(node->text)) : span_of(NULL, 0));
    bytes_append_str(w->out, "\n");
}

static void write_list(struct writer *w, const struct import_node *node)
{
    bytes_append_str(w->out, "[ ");
    for (const struct import_node *n = node->first; n != NULL; n = n->next) {
        quoted(w->out, n->text != NULL ? n->text : "");
        bytes_append_str(w->out, n->next != NULL ? ", " : "");
    }
    bytes_append_str(w->out, " ]");
}

static bool is_open(const struct import_node *node)
{
    return node->form == IMPORT_GROUP || node->form == IMPORT_ROWS;
}

static bool is_remark(const struct import_node *node)
{
    return node->form == IMPORT_LEFT || node->form == IMPORT_REMARK;
}

static bool has_settings_after(const struct import_node *node)
{
    for (const struct import_node *n = node->next; n != NULL; n = n->next)
        if (!is_remark(n))
            return true;
    return false;
}

static void write_begin(struct writer *w, const struct import_node *node, size_t depth)
{
    indent(w, depth);
    if (is_remark(node)) {
        write_remark(w, node, depth);
        return;
    }
    if (node->key != NULL)
        bytes_printf(w->out, "%s = ", node->key);
    if (node->form == IMPORT_STRING)
        quoted(w->out, node->text != NULL ? node->text : "");
    else if (node->form == IMPORT_PLAIN)
        bytes_append_str(w->out, node->text != NULL ? node->text : "0");
    else if (node->form == IMPORT_LIST)
        write_list(w, node);
    else
        bytes_append_str(w->out, node->form == IMPORT_GROUP ? "{" : "(");
    if (!is_open(node))
        bytes_append_str(w->out, ";");
    source_line(w, node->line);
    bytes_append_str(w->out, "\n");
}

static void write_end(struct writer *w, const struct import_node *node, size_t depth)
{
    indent(w, depth);
    bytes_append_str(w->out, node->form == IMPORT_GROUP ? "}" : ")");
    bytes_append_str(w->out, node->key != NULL ? ";\n" : has_settings_after(node) ? ",\n" : "\n");
}

static bool is_left_unsaid(const struct import_node *node) /* identities = { } */
{
    return node->form == IMPORT_GROUP && node->key != NULL && node->first == NULL && node->parent->parent == NULL;
}

int import_write(const struct import_model *m, struct bytes *out, struct err *err)
{
    struct writer w = {m, out, 0};
    bytes_append_str(out, "# Made by mtlsd import from a configuration of ");
    comment(out, span_of(m->program, strlen(m->program)));
    bytes_append_str(out, ", ");
    comment(out, span_of(m->path, strlen(m->path)));
    bytes_printf(out, ".\n# Numbers are its lines. %zu left out, %zu with a note: look for LEFT OUT and NOTE.\n", m->left, m->remarks);
    bytes_append_str(out, "# Certificates without extendedKeyUsage are refused here: see insecure_no_purpose in mtlsd.conf(5).\n"
                          "# Logs go to standard error: see log and logs there.\n");
    if (m->is_relative)
        bytes_append_str(out, "# Relative paths start at the folder of this file.\n");
    size_t depth = 0;
    const struct import_node *node = m->top.first;
    while (node != NULL) {
        bool is_silent = is_left_unsaid(node);
        if (!is_silent)
            write_begin(&w, node, depth);
        if (is_open(node) && node->first != NULL) {
            node = node->first;
            depth++;
            continue;
        }
        if (is_open(node) && !is_silent)
            write_end(&w, node, depth);
        while (node->next == NULL && node->parent != NULL && node->parent->parent != NULL) {
            node = node->parent;
            write_end(&w, node, --depth);
        }
        node = node->next;
    }
    return m->failed || out->failed ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}

static const struct import_node *after(const struct import_node *node)
{
    if (node->first != NULL)
        return node->first;
    while (node != NULL && node->next == NULL)
        node = node->parent;
    return node != NULL ? node->next : NULL;
}

void import_summary(const struct import_model *m, struct bytes *out)
{
    static const enum import_form forms[] = {IMPORT_LEFT, IMPORT_REMARK};
    for (size_t i = 0; i < 2; i++)
        for (const struct import_node *n = after(&m->top); n != NULL; n = after(n)) {
            if (n->form != forms[i] || n->text == NULL || n->is_repeated)
                continue;
            bytes_append_str(out, "mtlsd: ");
            comment(out, span_of(m->path, strlen(m->path)));
            if (n->line > 0)
                bytes_printf(out, ":%zu", n->line);
            bytes_append_str(out, i == 0 ? ": left out: " : ": note: ");
            comment(out, span_of(n->text, strlen(n->text)));
            bytes_append_str(out, "\n");
        }
}
