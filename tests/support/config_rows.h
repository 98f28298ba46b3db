/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of configurations that are refused, or taken with a warning, and the words that a person gets. */
#ifndef MTLSD_TEST_CONFIG_ROWS_H
#define MTLSD_TEST_CONFIG_ROWS_H

struct config_row {
    const char *why;
    const char *text; /* of the file */
    const char *says; /* in the one finding; NULL: there is none at all */
};

/* Exactly one error, which says it. */
void config_rows_refused(const struct config_row *row);
/* Taken, with exactly this one warning, or with nothing. */
void config_rows_taken(const struct config_row *row);

#define CONFIG_ROWS_COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

/* What most of them begin with. The listener has certificates that callers may show. */
#define CONFIG_ROWS_NAMES "identities = { me = { bundle = \"me.pem\"; }; };\ntrusts = { ca = { ca = \"ca.pem\"; }; };\n"
#define CONFIG_ROWS_BACK "upstreams = { up = { targets = \"127.0.0.1:9000\"; }; };\n"
#define CONFIG_ROWS_LOCAL "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; }; };\n"

#endif
