/* SPDX-License-Identifier: Apache-2.0 */
/* What status, reload and drain have in common: flags that say which instance is meant, and one call to it. */
#ifndef MTLSD_CLI_ADMIN_COMMAND_H
#define MTLSD_CLI_ADMIN_COMMAND_H

#include "flags.h"
#include "mtlsd/base/bytes.h"

struct json_t;

struct admin_command {
    const char *word;  /* "status" */
    const char *about; /* one paragraph */
    const char *method, *path;
    unsigned timeout_ms;
};

struct admin_reply {
    unsigned status;
    struct bytes body;     /* owned */
    struct json_t *json;   /* owned; the body parsed */
    bool as_json;          /* --json was given */
};

/* Reads flags, finds the socket, calls. true: reply holds an answer, to be cleared. false: all was said, *exit_code is set. */
bool admin_command_call(const struct admin_command *command, int argc, char **argv, struct admin_reply *reply, int *exit_code);
void admin_command_clear(struct admin_reply *reply);
/* Prints the body as it came. */
void admin_command_print_body(const struct admin_reply *reply);

#endif
