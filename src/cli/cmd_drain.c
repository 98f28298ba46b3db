/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"
#include "command.h"

static void print(struct page *p, const json_t *document)
{
    page_put(p, document, "draining[, {$detail}]: no new connections; the daemon stops after the last one\n");
}

static const struct admin_command command = {
    .word = "drain",
    .about = "Makes a running daemon stop accepting connections, finish open requests within drain_timeout, and exit. Returns at once.",
    .method = "POST",
    .path = "/drain",
    .timeout_ms = 10000,
    .fine = 202,
    .print = print,
};

int cmd_drain(int argc, char **argv)
{
    return admin_command_run(&command, argc, argv);
}
