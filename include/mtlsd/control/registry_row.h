/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a row of a registry's table: texts that any program can have written become a row of the index. A row that cannot be understood, and whose id
 * can, becomes TLS_REGISTRY_INVALID: it is refused, as the state that was meant is unknown.
 */
#ifndef MTLSD_CONTROL_REGISTRY_ROW_H
#define MTLSD_CONTROL_REGISTRY_ROW_H

#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_registry.h"

struct registry_row_columns { /* borrowed; ptr NULL: NULL */
    struct span sha256, kind, state, owner, note, attributes;
};

enum registry_row_result {
    REGISTRY_ROW_FINE,
    REGISTRY_ROW_INVALID, /* out is a row to keep, and err says what is wrong with it */
    REGISTRY_ROW_NAMELESS, /* there is no id: nothing to keep. err says what is wrong */
    REGISTRY_ROW_NO_MEMORY,
};
/* The caller owns out->text. */
enum registry_row_result registry_row_read(const struct registry_row_columns *columns, struct tls_registry_row *out, struct err *err);

/* 64 hexadecimal digits, colons between them or not. -1: it is something else. */
MUST_CHECK int registry_row_id(struct span text, uint8_t id[TLS_REGISTRY_ID_BYTES]);
/* A name for an attribute: letters, digits, '_', '-' and '.', at most 64, and none of the built-in names (owner, note, state, kind, sha256). */
bool registry_row_is_name(struct span name);
/* A JSON object of one more attribute, or of one less with value NULL; attributes may be NULL or "". The caller frees it. NULL + err. */
char *registry_row_with_attribute(const char *attributes, const char *name, const char *value, struct err *err);

#endif
