/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"
#include "command.h"
#include "document.h"

#include <stdio.h>

static const struct admin_command command = {
    .word = "drain",
    .about = "Makes a running daemon stop accepting connections, finish open requests within drain_timeout, and exit. Returns at once.",
    .method = "POST",
    .path = "/drain",
    .timeout_ms = 10000,
};

int cmd_drain(int argc, char **argv)
{
    struct admin_reply reply;
    int code;
    if (!admin_command_call(&command, argc, argv, &reply, &code))
        return code;
    const char *detail = document_string(reply.json, "detail", "");
    if (reply.as_json)
        admin_command_print_body(&reply);
    if (reply.status != 202)
        code = command_fail(COMMAND_FAILED, "drain: %s", detail);
    else if (!reply.as_json)
        printf("draining%s%s: no new connections; it ends when the last one does\n", detail[0] != '\0' ? ", " : "", detail);
    admin_command_clear(&reply);
    return code;
}
