/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check_text.h"

#include "config_words.h"
#include "mtlsd/base/template.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MAX = 1 << 20 };

/* How nginx, HAProxy and Apache write them. */
static bool has_foreign_variable(const char *value)
{
    return value[0] == '$' || strstr(value, "${") != NULL || strstr(value, "%[") != NULL || strstr(value, "%{") != NULL;
}

static void warn_of_value(const struct config_text_place *p, const struct template_part *part)
{
    const struct variable_row *row = variable_row(part->variable);
    if (row->source == VARIABLE_OF_TLS && !p->listener->tls.present)
        config_read_complain(p->r, FINDING_WARNING, p->setting, "{%s} never has a value: this listener has no tls", row->word);
    if (row->source == VARIABLE_OF_CERT && !config_tls_asks(&p->listener->tls))
        config_read_complain(p->r, FINDING_WARNING, p->setting,
                             "{%s} never has a value: this listener requests no certificate; give it tls with a trust and client_cert \"required\" or \"optional\"",
                             row->word);
}

/* NULL: it is none, which was said. */
static struct template *read_template(const struct config_text_place *p, const char *text, enum template_syntax syntax)
{
    struct err err = {0};
    struct template *t = template_new(span_from_str(text), syntax, &err);
    if (t == NULL && err.kind == ERR_MEMORY)
        p->r->findings->out_of_memory = 1;
    else if (t == NULL)
        config_read_complain(p->r, FINDING_ERROR, p->setting, "%s", err.text);
    else if (has_foreign_variable(text))
        config_read_complain(p->r, FINDING_WARNING, p->setting,
                             "\"%.80s\" is sent as it stands: variables are written as {cert.cn}, and VARIABLES in mtlsd.conf(5) lists them", text);
    for (size_t i = 0; t != NULL && p->knows_tls && i < t->n; i++)
        if (t->parts[i].text.len == 0)
            warn_of_value(p, &t->parts[i]);
    return t;
}

void config_check_text(const struct config_text_place *p, const char *text)
{
    free(read_template(p, text, TEMPLATE_OF_VALUE));
}

/* ---- redirects ---- */

static void give_sample(void *ctx, const struct template_part *part, struct template_value *out)
{
    enum variable_form form = variable_row(part->variable)->form;
    (void)ctx;
    out->text = span_from_str(form == VARIABLE_TARGET ? "/x" : form == VARIABLE_HOST ? "host.example" : "x");
}

/* The client would choose the host. */
static const char *host_refusal(const struct template *t, size_t i)
{
    enum variable_form form = variable_row(t->parts[i].variable)->form;
    if (t->parts[i].at == TEMPLATE_URI_BEGIN && (i > 0 || form != VARIABLE_TARGET))
        return "at its begin, only {request.path} and {request.uri} can stand";
    if (t->parts[i].at == TEMPLATE_URI_HOST && form != VARIABLE_HOST && form != VARIABLE_TARGET)
        return "in its host, only {request.host} can stand";
    return NULL;
}

static const char *location_refusal(const struct template *t)
{
    const char *why = NULL;
    struct bytes out;
    for (size_t i = 0; i < t->n && why == NULL; i++)
        why = t->parts[i].text.len == 0 ? host_refusal(t, i) : NULL;
    if (why != NULL)
        return why;
    bytes_init(&out, SAMPLE_MAX);
    (void)template_write(t, TEMPLATE_IN_URI, give_sample, NULL, &out);
    char *sample = span_dup(bytes_span(&out));
    why = sample != NULL ? config_words_location_refusal(sample) : "out of memory";
    free(sample);
    bytes_clear(&out);
    return why;
}

void config_check_location(const struct config_text_place *p, const char *text)
{
    struct template *t = read_template(p, text, TEMPLATE_OF_VALUE);
    const char *why = t != NULL ? location_refusal(t) : NULL;
    if (why != NULL)
        config_read_complain(p->r, FINDING_ERROR, p->setting, "\"%.80s\" is not a valid Location: %s", text, why);
    free(t);
}
