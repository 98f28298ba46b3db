/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/registry_row.h"

#include "mtlsd/base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 66, NAME_MAX_BYTES = 64, OWN_MAX_BYTES = 1024, NUMBER_SIZE = 32 };

int registry_row_id(struct span text, uint8_t id[TLS_REGISTRY_ID_BYTES])
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text_hex_digit(text.ptr[i]);
        if (text.ptr[i] == ':' && digits > 0 && digits % 2 == 0)
            continue;
        if (digit < 0 || digits == (size_t)TLS_REGISTRY_ID_BYTES * 2)
            return -1;
        id[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : id[digits / 2] | digit);
        digits++;
    }
    return digits == (size_t)TLS_REGISTRY_ID_BYTES * 2 ? 0 : -1;
}

bool registry_row_is_name(struct span name)
{
    static const char *const own[] = {"owner", "note", "state", "kind", "sha256"};
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = span_lower(name.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return false;
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (span_equals(name, span_from_str(own[i])))
            return false;
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

/* The values of a row, before they are one piece. */
struct reading {
    struct tls_registry_pair pairs[PAIRS_MAX];
    char numbers[PAIRS_MAX][NUMBER_SIZE];
    size_t n, bytes;
};

static int add(struct reading *in, struct span name, struct span value, struct err *err)
{
    in->bytes += name.len + value.len;
    if (in->n == PAIRS_MAX)
        return err_set(err, ERR_CREDENTIAL, "it has more than %d attributes", PAIRS_MAX - 2);
    if (in->bytes > TLS_REGISTRY_ROW_TEXT_MAX)
        return err_set(err, ERR_CREDENTIAL, "owner, note and attributes have more than %d bytes", TLS_REGISTRY_ROW_TEXT_MAX);
    in->pairs[in->n++] = (struct tls_registry_pair){name, value};
    return 0;
}

static bool is_clean(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static int add_column(struct reading *in, const char *name, struct span value, struct err *err)
{
    if (value.len == 0)
        return 0;
    if (!is_clean(value))
        return err_set(err, ERR_CREDENTIAL, "%s holds a control character", name);
    return add(in, span_from_str(name), value, err);
}

/* A text as it is; a number or true as it is written. */
static int add_value(struct reading *in, const char *name, const json_t *value, struct err *err)
{
    struct span text = {0}, key = span_from_str(name);
    if (in->n == PAIRS_MAX)
        return err_set(err, ERR_CREDENTIAL, "it has more than %d attributes", PAIRS_MAX - 2);
    char *number = in->numbers[in->n];
    if (!registry_row_is_name(key))
        return err_set(err, ERR_CREDENTIAL, "attribute \"%.80s\" has no valid name: use letters, digits, '_', '-' and '.'", name);
    if (json_is_string(value))
        text = span_of(json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        text = span_of(number, (size_t)snprintf(number, NUMBER_SIZE, "%lld", (long long)json_integer_value(value)));
    else if (json_is_boolean(value))
        text = span_from_str(json_is_true(value) ? "true" : "false");
    else
        return err_set(err, ERR_CREDENTIAL, "attribute \"%s\" is neither a text nor a whole number, true or false", name);
    if (!is_clean(text))
        return err_set(err, ERR_CREDENTIAL, "attribute \"%s\" holds a control character", name);
    return add(in, key, text, err);
}

static json_t *parse(struct span text, struct err *err)
{
    json_error_t why;
    json_t *object = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (object != NULL && json_is_object(object))
        return object;
    (void)err_set(err, ERR_CREDENTIAL, "attributes is no JSON object, as {\"role\": \"ops\"}");
    json_decref(object);
    return NULL;
}

static enum tls_registry_state state_of(struct span word)
{
    for (enum tls_registry_state s = TLS_REGISTRY_ACTIVE; s <= TLS_REGISTRY_REVOKED; s++)
        if (span_equals(word, span_from_str(tls_registry_state_word(s))))
            return s;
    return TLS_REGISTRY_INVALID;
}

static int read_kind(struct span kind, bool *by_key, struct err *err)
{
    *by_key = span_equals(kind, span_from_str("key"));
    if (*by_key || span_equals(kind, span_from_str("certificate")))
        return 0;
    return err_set(err, ERR_CREDENTIAL, "kind is \"%.*s\": it must be certificate or key", (int)(kind.len < 40 ? kind.len : 40), kind.len > 0 ? (const char *)kind.ptr : "");
}

static int read_texts(struct reading *in, const struct registry_row_columns *columns, const json_t *object, struct err *err)
{
    if (columns->owner.len > OWN_MAX_BYTES)
        return err_set(err, ERR_CREDENTIAL, "owner has more than %d bytes", OWN_MAX_BYTES);
    if (add_column(in, "owner", columns->owner, err) != 0 || add_column(in, "note", columns->note, err) != 0)
        return -1;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (add_value(in, name, value, err) != 0)
            return -1;
    }
    return 0;
}

/* All but the id. */
static int read_rest(struct reading *in, const struct registry_row_columns *columns, struct tls_registry_row *out, struct err *err)
{
    out->state = (uint8_t)state_of(columns->state);
    if (read_kind(columns->kind, &out->by_key, err) != 0)
        return -1;
    if (out->state == TLS_REGISTRY_INVALID)
        return err_set(err, ERR_CREDENTIAL, "state is \"%.*s\": it must be active, suspended or revoked",
                       (int)(columns->state.len < 40 ? columns->state.len : 40), columns->state.len > 0 ? (const char *)columns->state.ptr : "");
    json_t *object = columns->attributes.len > 0 ? parse(columns->attributes, err) : NULL;
    if (columns->attributes.len > 0 && object == NULL)
        return -1;
    int rc = read_texts(in, columns, object, err);
    out->text = rc == 0 && in->n > 0 ? tls_registry_text_new(in->pairs, in->n) : NULL;
    if (rc == 0 && in->n > 0 && out->text == NULL)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    json_decref(object);
    return rc;
}

enum registry_row_result registry_row_read(const struct registry_row_columns *columns, struct tls_registry_row *out, struct err *err)
{
    struct reading in;
    in.n = in.bytes = 0;
    *out = (struct tls_registry_row){.state = TLS_REGISTRY_INVALID};
    if (registry_row_id(columns->sha256, out->id) != 0) {
        (void)err_set(err, ERR_CREDENTIAL, "sha256 is no SHA-256 in 64 hexadecimal digits");
        return REGISTRY_ROW_NAMELESS;
    }
    if (read_rest(&in, columns, out, err) == 0)
        return REGISTRY_ROW_FINE;
    out->state = TLS_REGISTRY_INVALID;
    return err->kind == ERR_MEMORY ? REGISTRY_ROW_NO_MEMORY : REGISTRY_ROW_INVALID;
}

char *registry_row_with_attribute(const char *attributes, const char *name, const char *value, struct err *err)
{
    json_t *object = attributes != NULL && attributes[0] != '\0' ? parse(span_from_str(attributes), err) : json_object();
    if (object == NULL)
        return NULL;
    char *text = NULL;
    if (!registry_row_is_name(span_from_str(name)))
        (void)err_set(err, ERR_USAGE, "\"%.80s\" is no name for an attribute: use letters, digits, '_', '-' and '.'; owner and note have flags", name);
    else if (value == NULL ? (json_object_del(object, name), false) : json_object_set_new(object, name, json_string(value)) != 0)
        (void)err_set(err, ERR_USAGE, "the value of \"%s\" is no UTF-8 text", name);
    else if ((text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS)) == NULL)
        (void)err_set(err, ERR_MEMORY, "out of memory");
    json_decref(object);
    return text;
}
