/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "flags.h"
#include "import.h"
#include "mtlsd/io/file.h"

#include <stdio.h>
#include <string.h>

enum { OUTPUT_MAX = 64 * 1024 * 1024, MODE = 0640 };

static const struct {
    const char *word;
    import_read_fn read;
} programs[] = {
    {"haproxy", import_haproxy},
    {"nginx", import_nginx},
    {"apache", import_apache},
    {"stunnel", import_stunnel},
    {"ghostunnel", import_ghostunnel},
};

static import_read_fn reader_of(const char *word)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(programs[i].word, word) == 0)
            return programs[i].read;
    return NULL;
}

static int put(const char *to, struct span text, struct err *err)
{
    if (to != NULL)
        return file_write(to, text, MODE, false, err);
    return fwrite(text.ptr, 1, text.len, stdout) == text.len ? 0 : err_set(err, ERR_IO, "cannot write to standard output");
}

static int translate(struct import_model *m, import_read_fn read, const char *to, struct err *err)
{
    struct bytes out, summary;
    bytes_init(&out, OUTPUT_MAX);
    bytes_init(&summary, OUTPUT_MAX);
    read(m);
    int rc = -1;
    if (!import_has_group(m->listeners) && !m->failed)
        err_set(err, ERR_CONFIG, "%s: there is nothing of %s to import: no listener was found", m->path, m->program);
    else if (import_write(m, &out, err) == 0)
        rc = put(to, bytes_span(&out), err);
    import_summary(m, &summary);
    if (bytes_span(&summary).len > 0)
        fwrite(bytes_span(&summary).ptr, 1, bytes_span(&summary).len, stderr);
    bytes_clear(&out);
    bytes_clear(&summary);
    return rc;
}

int cmd_import(int argc, char **argv)
{
    const char *to = NULL;
    const struct flag table[] = {
        {.name = "--output", .brief = "-o", .kind = FLAG_TEXT, .target = &to, .value = "FILE",
         .help = "file to write, which must not exist (default: standard output)"},
    };
    const struct flags flags = {
        .command = "mtlsd import",
        .usage = "PROGRAM FILE [-o FILE]",
        .about = "Translates a configuration of haproxy, nginx, apache, stunnel or ghostunnel. Each setting has its source line beside it.\n"
                 "Lines that cannot be carried over are comments, and are listed on standard error. Included files are not read.\n"
                 "Exit code 4: something was left out.",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .operand = "PROGRAM FILE",
        .min_operands = 2,
        .max_operands = 2,
        .after = "  mtlsd import haproxy /etc/haproxy/haproxy.cfg -o mtlsd.conf\n"
                 "  mtlsd check -c mtlsd.conf",
    };
    int code;
    struct flag_list operands = {0};
    if (!flags_read(&flags, argc, argv, &operands, &code))
        return code;
    import_read_fn read = reader_of(operands.items[0]);
    if (read == NULL)
        return command_fail(COMMAND_USAGE, "import: \"%.80s\" is no program that it knows: write haproxy, nginx, apache, stunnel or ghostunnel", operands.items[0]);
    struct bytes source;
    struct import_model model = {0};
    struct err err = {0};
    if (file_read(operands.items[1], &source, NULL, &err) != 0)
        return command_fail_err(&err);
    if (source.len > IMPORT_MAX_BYTES)
        err_set(&err, ERR_CONFIG, "%s: it has more than %zu bytes", operands.items[1], IMPORT_MAX_BYTES);
    else if (import_begin(&model, operands.items[0], operands.items[1], bytes_span(&source), &err) == 0 && translate(&model, read, to, &err) == 0)
        code = model.left > 0 ? COMMAND_REFUSAL : COMMAND_FINE;
    if (err.kind != ERR_NONE)
        code = command_fail_err(&err);
    import_clear(&model);
    bytes_clear(&source);
    return code;
}
