/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"
#include "command.h"
#include "status_sheet.h"

static const struct admin_command command = {
    .word = "status",
    .about = "Prints the state of a running daemon: counts of listeners, routes and upstreams, and the state of targets. Identities are\n"
             "listed with the days until they expire, trusts with the age of their CRLs, and the last refusals with hints.",
    .method = "GET",
    .path = "/status",
    .timeout_ms = 10000,
};

int cmd_status(int argc, char **argv)
{
    struct admin_reply reply;
    int code;
    if (!admin_command_call(&command, argc, argv, &reply, &code))
        return code;
    if (reply.as_json)
        admin_command_print_body(&reply);
    if (reply.status != 200)
        code = command_fail(COMMAND_FAILED, "status: %s", document_string(reply.json, "detail", ""));
    else if (!reply.as_json && document_show(json_incref(reply.json), false, status_sheet_print) != 0)
        code = command_fail(COMMAND_FAILED, "out of memory");
    admin_command_clear(&reply);
    return code;
}
