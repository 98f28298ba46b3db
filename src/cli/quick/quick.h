/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd client` and `mtlsd server`, which run a configuration that is made from flags. */
#ifndef MTLSD_CLI_QUICK_H
#define MTLSD_CLI_QUICK_H

#include "flags.h"
#include "mtlsd/base/findings.h"

/* `mtlsd client` and `mtlsd server` are configurations written from flags. This makes the text, and config_parse checks it like any other. */

struct quick_config { /* what the flags said; all borrowed, NULL: not given */
    const char *listen;
    const char *target; /* client: https://HOST[:PORT]; server: an address */
    const char *bundle, *ca, *server_name, *log_level, *admin;
    struct flag_list crl, hosts, allow, identity_headers;
    bool tcp, insecure_expose;
};

/* Append a configuration. ERR_USAGE names the flag that is wrong. */
MUST_CHECK int quick_config_client(const struct quick_config *q, struct bytes *out, struct err *err);
MUST_CHECK int quick_config_server(const struct quick_config *q, struct bytes *out, struct err *err);

/* `mtlsd client` and `mtlsd server` make a configuration from flags. Findings about it name keys that the user did not write: here they become the
 * flags. */

#define QUICK_WORDS_PLACE "command line" /* stands for the file where a configuration is made from flags */

/* Changes the findings that are about such a configuration; others stay. Keys without a flag stay too: they are those of the file that --print
 * writes. Without memory a finding stays as it is. */
void quick_words_translate(struct findings *findings);

#endif
