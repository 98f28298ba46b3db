/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of HAProxy's reader: sections with their lines, and conditions. */
#ifndef MTLSD_CLI_IMPORT_HAPROXY_H
#define MTLSD_CLI_IMPORT_HAPROXY_H

#include "import.h"

enum haproxy_kind { HAPROXY_GLOBAL, HAPROXY_DEFAULTS, HAPROXY_FRONTEND, HAPROXY_BACKEND, HAPROXY_LISTEN, HAPROXY_OTHER };

struct haproxy_section {
    enum haproxy_kind kind;
    char *name;             /* owned */
    size_t line, from, to;  /* its own line; the lines below it */
    size_t defaults;        /* index of the defaults that count for it; SIZE_MAX: none */
    const char *upstream;   /* name that it has here, of the tree */
};

struct haproxy {
    struct import_model *m;
    struct haproxy_section *sections;
    size_t n;
    char *crt_base, *ca_base; /* NULL: none */
};

struct haproxy_line {
    char *text; /* owned */
    char *w[IMPORT_MAX_WORDS];
    size_t n, number;
};

/* The next line of a section with words; start with {0}. false: there is none, and nothing is owned any more. */
bool haproxy_next(const struct haproxy *h, const struct haproxy_section *s, struct haproxy_line *line);
void haproxy_done(struct haproxy_line *line); /* when a loop ends before its last line */
/* The setting of that word, of the section or of its defaults. */
bool haproxy_setting(const struct haproxy *h, const struct haproxy_section *s, const char *first, const char *second, struct haproxy_line *line);
bool haproxy_is_http(const struct haproxy *h, const struct haproxy_section *s);
/* A path with the base of its kind in front. The caller frees it. */
char *haproxy_path(const struct haproxy *h, const char *base, const char *path);
/* The value behind a word of a line, or NULL. */
const char *haproxy_value(const struct haproxy_line *line, const char *word);
void haproxy_timeout(const struct haproxy *h, const struct haproxy_section *s, struct import_node *to, const char *theirs, const char *ours);

/* ---- conditions ---- */

#define HAPROXY_VALID 1u
#define HAPROXY_NONE 2u
#define HAPROXY_ALL 0xffffu
#define HAPROXY_ERROR (HAPROXY_ALL & ~(HAPROXY_VALID | HAPROXY_NONE))

struct haproxy_condition {
    unsigned certs; /* statuses that match */
    char path[256], except[256], host[256], sni[256], method[32];
    char callers[512];   /* lines of KEY=VALUE; "" : any */
    bool denies_caller; /* all but these callers; otherwise there is one */
    bool never, is_broader;
    bool is_prefix; /* path_beg without a last slash */
};

/* Conditions of which one has to hold: a route for each. None: it never does. */
enum { HAPROXY_ALTERNATIVES = 8 };
struct haproxy_alternatives {
    struct haproxy_condition items[HAPROXY_ALTERNATIVES];
    size_t n;
};
/* The words from index on, which it changes: if or unless with terms. false: not one that we can write. No words: always. */
bool haproxy_conditions(const struct haproxy *h, const struct haproxy_section *s, bool tls, struct haproxy_line *line, size_t index,
                        struct haproxy_alternatives *out);
/* Both hold. false: not as one condition. */
bool haproxy_both(const struct haproxy_condition *a, const struct haproxy_condition *b, struct haproxy_condition *out);
unsigned haproxy_status(const char *number); /* of OpenSSL; 0: none of ours */
const char *haproxy_status_word(unsigned bit); /* NULL: no such bit */

void haproxy_listeners(struct haproxy *h, const struct haproxy_section *s);
void haproxy_upstream(struct haproxy *h, struct haproxy_section *s);
/* A log-format text as ours; false: it has a part that we do not know. */
bool haproxy_text(const char *text, struct bytes *out);

struct haproxy_rules { /* of one listener */
    const struct haproxy *h;
    const struct haproxy_section *s;
    struct import_node *listener, *routes;
    bool tls;
    unsigned reachable; /* statuses of certificates that pass the handshake */
    struct haproxy_condition gate; /* of callers; "" : none */
    size_t gate_line;
    unsigned handled; /* statuses that an earlier route takes, whatever else a request has */
    bool is_closed;   /* a refusal of a tcp listener could not be written */
};
void haproxy_rules(struct haproxy_rules *r);

#endif
