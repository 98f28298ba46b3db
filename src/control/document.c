/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/document.h"

#include "mtlsd/base/text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 40 };

#define TEXT_MAX ((size_t)256 * 1024)

/* ---- making ---- */

json_t *document_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *as_is = json_string(text); /* refuses what is not UTF-8, and a certificate may hold anything */
    if (as_is != NULL)
        return as_is;
    struct bytes b;
    bytes_init(&b, TEXT_MAX);
    json_t *value = text_append_percent(&b, span_from_str(text)) == 0 ? json_stringn((const char *)b.data, b.len) : NULL;
    bytes_clear(&b);
    return value;
}

json_t *document_time(int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    return seconds != 0 ? json_string(text) : json_null();
}

json_t *document_days(int64_t then, int64_t now)
{
    return then != 0 ? json_integer(text_days_left(then, now)) : json_null();
}

json_t *document_append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *document_strings(const char *const *items, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        list = document_append(list, document_text(items[i]));
    return list;
}

static json_t *next_value(char kind, va_list *args)
{
    switch (kind) {
    case 't':
        return document_text(va_arg(*args, const char *));
    case 'i':
        return json_integer(va_arg(*args, int));
    case 'I':
        return json_integer(va_arg(*args, int64_t));
    case 'z':
        return json_integer((json_int_t)va_arg(*args, size_t));
    case 'U':
        return json_integer((json_int_t)va_arg(*args, uint64_t));
    case 'w':
        return document_time(va_arg(*args, int64_t));
    case 'b':
        return json_boolean(va_arg(*args, int));
    case 'f':
        return json_real(va_arg(*args, double));
    default:
        return va_arg(*args, json_t *);
    }
}

/* Every value is taken, also after a failure. */
static json_t *add_members(json_t *object, const char *members, va_list *args)
{
    bool failed = object == NULL;
    while (*members != '\0') {
        char key[KEY_MAX];
        size_t n = strcspn(members, ":");
        snprintf(key, sizeof(key), "%.*s", (int)n, members);
        members += n + 1;
        failed = json_object_set_new(object, key, next_value(*members, args)) != 0 || failed;
        members++;
        members += *members == ' ';
    }
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

json_t *document_object(const char *members, ...)
{
    va_list args;
    va_start(args, members);
    json_t *object = add_members(json_object(), members, &args);
    va_end(args);
    return object;
}

json_t *document_add(json_t *object, const char *members, ...)
{
    va_list args;
    va_start(args, members);
    object = add_members(object, members, &args);
    va_end(args);
    return object;
}

/* ---- reading ---- */

const json_t *document_get(const json_t *object, const char *path)
{
    while (object != NULL) {
        size_t n = strcspn(path, ".");
        char key[KEY_MAX];
        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        object = json_is_array(object) ? json_array_get(object, strtoul(key, NULL, 10)) : json_object_get(object, key);
        if (path[n] == '\0')
            break;
        path += n + 1;
    }
    return object;
}

const char *document_string(const json_t *object, const char *path, const char *otherwise)
{
    const char *text = json_string_value(document_get(object, path));
    return text != NULL ? text : otherwise;
}

long long document_number(const json_t *object, const char *path)
{
    return json_integer_value(document_get(object, path));
}

bool document_truth(const json_t *object, const char *path)
{
    return json_is_true(document_get(object, path));
}
