/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text with variables, taken apart once when it is loaded and put together for each request. The value of a variable is encoded for the place where it
 * stands, so that it can break out of nothing: a line, a quoted string, a component of a URI, a tag, an attribute (security C2).
 *
 *   {cert.cn}   a variable of base/variable.h; another word is an error
 *   {{  }}      a brace; a single } too
 * In the format of a log each value is one word: it is escaped as in JSON between double quotes, and with \xXX elsewhere, where spaces are escaped too.
 * A missing one is "-", and a long one is cut (security C8). Some variables exist there alone.
 * In a file only variables count, and all other braces stay: style sheets and scripts are full of them. An error in it names its line.
 */
#ifndef MTLSD_BASE_TEMPLATE_H
#define MTLSD_BASE_TEMPLATE_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/variable.h"

enum template_syntax { TEMPLATE_OF_VALUE, TEMPLATE_OF_FILE, TEMPLATE_OF_LOG, TEMPLATE_WITHOUT_VARIABLES };
enum template_place { TEMPLATE_IN_FIELD, TEMPLATE_IN_URI, TEMPLATE_IN_HTML, TEMPLATE_IN_PLAIN, TEMPLATE_IN_JSON, TEMPLATE_IN_LOG };
/* Where in a URI something stands. */
enum template_uri_part { TEMPLATE_URI_BEGIN, TEMPLATE_URI_HOST, TEMPLATE_URI_PATH, TEMPLATE_URI_QUERY };

struct template_part {
    struct span text; /* as it stands; in place of it, if it is empty, the value of: */
    enum variable variable;
    struct span name; /* with a variable whose word ends in a dot: what follows that */
    enum template_uri_part at;
    bool quoted; /* an odd number of double quotes stands before it */
};

struct template {
    size_t n;        /* of parts */
    size_t n_values; /* of them with variables */
    struct template_part parts[]; /* their text stands behind them */
};

enum { TEMPLATE_VALUE_MAX = 16 * 1024 }; /* of one encoded value, and of a whole field: servers refuse longer ones. A cut one would be another one */

/* In one block, to be freed by free. NULL + err (ERR_CONFIG): a sentence about the place. */
struct template *template_new(struct span text, enum template_syntax syntax, struct err *err);

struct template_value { /* what a variable stands for */
    struct span text;  /* borrowed until the next value */
    struct bytes made; /* or this, if it is not empty; template_write clears it */
    bool unfit;        /* there is one, but it cannot be written whole */
};
/* A variable without a value leaves *out as it is. */
typedef void (*template_value_fn)(void *ctx, const struct template_part *part, struct template_value *out);

enum template_result {
    TEMPLATE_WRITTEN,
    TEMPLATE_VALUELESS, /* written, but no variable has a value, though there are some */
    TEMPLATE_UNFIT,     /* written without a value that is too long; nothing is written into a field */
    TEMPLATE_FAILED,    /* out of memory */
};
/* Appends to out. */
enum template_result template_write(const struct template *t, enum template_place place, template_value_fn value, void *ctx, struct bytes *out);

#endif
