/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `mtlsd import`, which translates a configuration of another program. A reader for each program fills one tree of our settings, each
 * with the line it came from; one writer prints it. Only the writer quotes, so nothing in the source can become a setting.
 * Everything here is pure; cmd_import.c reads and writes the files. Memory that runs out is noted in the model and checked once, at the end.
 */
#ifndef MTLSD_CLI_IMPORT_H
#define MTLSD_CLI_IMPORT_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#define IMPORT_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define IMPORT_MAX_LINE ((size_t)16 * 1024)
#define IMPORT_MAX_WORDS 64

enum import_form {
    IMPORT_STRING, /* a quoted value */
    IMPORT_PLAIN,  /* a number, true or false, written by us */
    IMPORT_LIST,   /* [ strings ] */
    IMPORT_GROUP,  /* { settings } */
    IMPORT_ROWS,   /* ( groups ) */
    IMPORT_LEFT,   /* a remark: this line could not be carried over */
    IMPORT_REMARK, /* a remark: carried over, but with a difference to know */
};

struct import_node {
    enum import_form form;
    char *key;   /* NULL in a list; owned, as all of it */
    char *text;  /* value or remark */
    size_t line; /* of the source; 0: none */
    bool is_repeated; /* a remark that was made before, of another route */
    struct import_node *parent, *first, *last, *next;
};

struct import_model {
    const char *program, *path; /* borrowed */
    struct span *lines;         /* of the source, borrowed bytes; lines[0] is line 1 */
    size_t n_lines;
    struct import_node top, spare; /* spare stands for a node that memory was missing for */
    struct import_node *identities, *trusts, *upstreams, *listeners;
    size_t left, remarks;
    uint32_t *told; /* hash of the last remark on each line, which several routes may repeat; owned */
    bool failed;      /* out of memory */
    bool is_relative; /* a path in it is */
};

typedef void (*import_read_fn)(struct import_model *m);

/* Splits the source into lines. ERR_CONFIG: not a text, or a line is too long. clear also after a failure. */
MUST_CHECK int import_begin(struct import_model *m, const char *program, const char *path, struct span source, struct err *err);
void import_clear(struct import_model *m);

/* Adding to the tree. key and text are copied. */
struct import_node *import_add(struct import_model *m, struct import_node *to, enum import_form form, const char *key, const char *text);
struct import_node *import_at(struct import_node *node, size_t line); /* sets the line; gives the node */
void import_string(struct import_model *m, struct import_node *to, const char *key, const char *text, size_t line);
void import_plain(struct import_model *m, struct import_node *to, const char *key, const char *text, size_t line);
/* The group of that key in to, made when there is none. */
struct import_node *import_group(struct import_model *m, struct import_node *to, const char *key);
/* A group with a name of its own, made from any text. */
struct import_node *import_named(struct import_model *m, struct import_node *to, const char *like);
struct import_node *import_find(const struct import_node *in, const char *key); /* or NULL */
bool import_has_group(const struct import_node *in);
void import_remove(struct import_model *m, struct import_node *node);
/* Keeps the remarks in a group that is going to be removed. */
void import_keep_remarks(struct import_model *m, const struct import_node *from, struct import_node *to);
/* Targets that are all backups are none. */
void import_check_backups(struct import_model *m, struct import_node *targets);
/* Whether two groups, lists or rows hold the same, but for remarks' texts. */
bool import_same(const struct import_node *a, const struct import_node *b);
/* Removes routes that an earlier one takes all requests of, which would be an error: a refusal in place of a rule takes all. */
void import_prune(struct import_model *m, struct import_node *routes);

void import_left(struct import_model *m, struct import_node *to, size_t line, const char *fmt, ...) PRINTF_LIKE(4, 5);
void import_remark(struct import_model *m, struct import_node *to, size_t line, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Names of groups, made once for the same files. key and chain may be NULL. */
const char *import_identity(struct import_model *m, const char *certificate, const char *key, const char *chain, size_t line);
struct import_trust_files {
    const char *ca, *crl; /* NULL: none; ca "system" */
    const char *depth;    /* number of certificates, or NULL */
    size_t line, crl_line;
    const char *ocsp, *ocsp_responder; /* values of these keys, or NULL */
    size_t ocsp_line;
};
const char *import_trust(struct import_model *m, const struct import_trust_files *files);

/* An address of a listener or target as we write it; false: not one. A host alone, or a port alone, takes the other part. */
bool import_address(char *out, size_t size, const char *text, const char *host, const char *port);
/* Binds; a plaintext address beyond this host needs insecure_expose, which is written and said. */
void import_bind(struct import_model *m, struct import_node *listener, const char *address, bool tls, size_t line);
/* "30s" or "30" in units of unit, as a duration of ours within bounds in milliseconds; false: not one. */
bool import_duration(char out[32], const char *text, const char *unit, uint64_t min, uint64_t max);

/* How programs split a line into words. */
enum import_quoting {
    IMPORT_SHELL,  /* "..." with backslash, '...' as it is, backslash outside; # begins a comment */
    IMPORT_APACHE, /* "..." or '...', a backslash only before the quote */
};
/* Splits text in place. The number of words; SIZE_MAX: a quote does not end, or there are too many. */
size_t import_split(char *text, enum import_quoting quoting, char *words[IMPORT_MAX_WORDS]);
/* A line of the source as a text to split; the caller frees it. NULL: out of memory. */
char *import_line(struct import_model *m, size_t number);
bool import_is(const char *word, const char *words); /* one of "a b c" */
/* Whether a text has what a regular expression of plain letters says, which may be bound to an end (^, $). -1: it has more than that. */
int import_matches(const char *pattern, bool any_case, const char *text);

/* Values with variables of another program as ours. */
struct import_variable {
    const char *theirs, *ours;
};
/* Appends a literal: our braces doubled. */
void import_literal(struct bytes *out, const char *text, size_t n);
/* Sets or removes (value NULL) a field in a group of a route; false: not a name that we write. */
bool import_field(struct import_model *m, struct import_node *route, const char *name, const char *value, size_t line);
/* A field that the source sets and we cannot: clients must not send it instead. */
void import_field_left(struct import_model *m, struct import_node *route, const char *name, size_t line);

MUST_CHECK int import_write(const struct import_model *m, struct bytes *out, struct err *err);
/* FILE:LINE: text for each remark, what is left out first. */
void import_summary(const struct import_model *m, struct bytes *out);

void import_haproxy(struct import_model *m);
void import_nginx(struct import_model *m);
void import_apache(struct import_model *m);
void import_stunnel(struct import_model *m);
void import_ghostunnel(struct import_model *m);

#endif
