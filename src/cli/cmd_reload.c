/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"
#include "command.h"
#include "document.h"

#include <stdio.h>

static const struct admin_command command = {
    .word = "reload",
    .about = "Makes a running daemon load configuration, certificates, CAs and CRLs again. If there is any error, all errors are listed,\n"
             "the exit code is 3, and the daemon keeps the old configuration. Open connections continue, except those that the new\n"
             "configuration forbids.",
    .method = "POST",
    .path = "/reload",
    .timeout_ms = 60000,
};

static void print_findings(const json_t *findings, FILE *to)
{
    size_t i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        const char *where = document_string(f, "where", "");
        fprintf(to, "  %-8s%s%s%s\n", document_string(f, "level", ""), where, where[0] != '\0' ? ": " : "", document_string(f, "text", ""));
    }
}

int cmd_reload(int argc, char **argv)
{
    struct admin_reply reply;
    int code;
    if (!admin_command_call(&command, argc, argv, &reply, &code))
        return code;
    long long generation = document_number(reply.json, "generation");
    const json_t *findings = document_get(reply.json, "findings");
    if (reply.as_json)
        admin_command_print_body(&reply);
    if (reply.status == 200) {
        code = COMMAND_FINE;
        if (!reply.as_json) {
            printf("reloaded: generation %lld is in use\n", generation);
            print_findings(findings, stdout);
        }
    } else if (reply.status == 422) {
        code = COMMAND_REFUSED;
        if (!reply.as_json) {
            command_fail(code, "reload refused: generation %lld stays in use", generation);
            print_findings(findings, stderr);
        }
    } else {
        code = command_fail(COMMAND_FAILED, "reload: %s", document_string(reply.json, "detail", ""));
    }
    admin_command_clear(&reply);
    return code;
}
