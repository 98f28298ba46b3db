/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "mtlsd/io/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VERDICT_COLUMN = 86 };

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

static const char *paint(const struct demo_show *s, const char *colour)
{
    return s->colour ? colour : "";
}

void demo_show_begin(struct demo_show *s)
{
    const char *no_colour = getenv("NO_COLOR");
    *s = (struct demo_show){
        .colour = isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0'),
        .began = probe_seconds(),
    };
}

void demo_show_section(const struct demo_show *s, const char *title, const char *columns)
{
    printf("\n%s%s%s\n", paint(s, BOLD), title, paint(s, PLAIN));
    if (columns != NULL)
        printf("%s  %s%s\n", paint(s, DIM), columns, paint(s, PLAIN));
}

void demo_show_row(struct demo_show *s, bool ok, const char *fmt, ...)
{
    char line[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    s->rows++;
    s->failed += !ok;
    printf("  %-*s %s%s%s\n", VERDICT_COLUMN, line, paint(s, ok ? GREEN : RED), ok ? "ok" : "FAILED", paint(s, PLAIN));
    fflush(stdout); /* so that each row appears when it happened */
}

void demo_show_note(const struct demo_show *s, const char *fmt, ...)
{
    va_list args;
    printf("%s    ", paint(s, DIM));
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("%s\n", paint(s, PLAIN));
}

bool demo_show_end(const struct demo_show *s)
{
    bool held = s->failed == 0 && s->rows > 0;
    double seconds = probe_seconds() - s->began;
    if (held)
        printf("\n%sAll %u checks held, in %.1f seconds.%s\n", paint(s, GREEN), s->rows, seconds, paint(s, PLAIN));
    else
        printf("\n%s%u of %u checks FAILED, in %.1f seconds.%s\n", paint(s, RED), s->failed, s->rows, seconds, paint(s, PLAIN));
    return held;
}
