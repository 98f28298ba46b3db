/* SPDX-License-Identifier: Apache-2.0 */
/* `mtlsd client` and `mtlsd server` are configurations written from flags. This makes the text, and config_parse checks it like any other. */
#ifndef MTLSD_CLI_QUICK_CONFIG_H
#define MTLSD_CLI_QUICK_CONFIG_H

#include "flags.h"

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

#endif
