/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_command.h"
#include "command.h"

static void print(struct page *p, const json_t *document)
{
    page_put(p, document, "reloaded: generation {generation} is in use\n");
    page_each(p, document_get(document, "findings"), "  {level:8}[{$where}: ]{$text}\n");
}

static void print_refused(struct page *p, const json_t *document)
{
    page_put(p, document, "mtlsd: reload refused: generation {generation} stays in use\n");
    page_each(p, document_get(document, "findings"), "  {level:8}[{$where}: ]{$text}\n");
}

static const struct admin_command command = {
    .word = "reload",
    .about = "Makes a running daemon load configuration, certificates, CAs and CRLs again. If there is any error, all errors are listed,\n"
             "the exit code is 3, and the daemon keeps the old configuration. Open connections continue, except those that the new\n"
             "configuration forbids.",
    .method = "POST",
    .path = "/reload",
    .timeout_ms = 60000,
    .fine = 200,
    .print = print,
    .refused = print_refused,
};

int cmd_reload(int argc, char **argv)
{
    return admin_command_run(&command, argc, argv);
}
