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
    .fine = 200,
    .print = status_sheet_print,
};

int cmd_status(int argc, char **argv)
{
    return admin_command_run(&command, argc, argv);
}
