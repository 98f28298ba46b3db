/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { GATHERED_BYTES = 32 * 1024 };

static _Thread_local struct {
    size_t len;
    char text[GATHERED_BYTES];
} gathered;

/* A log that nobody reads any more must not stop the daemon: what cannot be written is dropped. */
static void write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

void log_file_flush(void)
{
    if (gathered.len > 0)
        write_all(gathered.text, gathered.len);
    gathered.len = 0;
}

void log_file_write(void *ctx, enum log_level level, struct span line)
{
    (void)ctx;
    if (gathered.len + line.len > sizeof(gathered.text))
        log_file_flush();
    if (line.len > sizeof(gathered.text)) {
        write_all((const char *)line.ptr, line.len);
        return;
    }
    memcpy(gathered.text + gathered.len, line.ptr, line.len);
    gathered.len += line.len;
    if (level <= LOG_LEVEL_WARN)
        log_file_flush();
}
