/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/handover_list.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "mtlsd-handover 1"

static const char *const words[] = {[HANDOVER_PASSED] = "passed", [HANDOVER_LISTEN] = "listen", [HANDOVER_ADMIN] = "admin", [HANDOVER_HEALTH] = "health"};

enum { WORDS = sizeof(words) / sizeof(words[0]), MOST_DIGITS = 10 };

/* ---- writing ---- */

void handover_list_begin(struct bytes *out, long parent)
{
    bytes_printf(out, FIRST_LINE "\nparent %ld\n", parent);
}

int handover_list_add(struct bytes *out, enum handover_kind kind, const char *name, struct err *err)
{
    if (name[0] == '\0' || strpbrk(name, "\n\r") != NULL)
        return err_set(err, ERR_USAGE, "a socket whose name has a line break cannot be passed on: change its address");
    if (bytes_printf(out, "socket %s %s\n", words[kind], name) != 0)
        return err_set(err, ERR_MEMORY, "the list of sockets is too long, or out of memory");
    return 0;
}

/* ---- reading ---- */

static enum handover_kind kind_of(const char *word)
{
    for (int i = 0; i < WORDS; i++)
        if (strcmp(words[i], word) == 0)
            return (enum handover_kind)i;
    return HANDOVER_OTHER;
}

/* Past the next blank, which becomes an end; NULL: there is none. */
static char *cut(char *text)
{
    char *at = strchr(text, ' ');
    if (at != NULL)
        *at++ = '\0';
    return at;
}

static int read_socket(struct handover_list *l, char *rest, struct err *err)
{
    char *name = cut(rest);
    if (name == NULL || name[0] == '\0')
        return err_set(err, ERR_PROTOCOL, "a socket without a name");
    if (l->n == HANDOVER_MOST)
        return err_set(err, ERR_PROTOCOL, "more than %d sockets", HANDOVER_MOST);
    l->kinds[l->n] = kind_of(rest);
    l->names[l->n++] = name;
    return 0;
}

static int read_parent(struct handover_list *l, const char *digits, struct err *err)
{
    if (digits[0] == '\0' || strlen(digits) > MOST_DIGITS || digits[strspn(digits, "0123456789")] != '\0')
        return err_set(err, ERR_PROTOCOL, "a process id that is no number");
    l->parent = strtol(digits, NULL, 10);
    return 0;
}

static int read_lines(struct handover_list *l, struct err *err)
{
    char *line = l->text, *end = strchr(line, '\n');
    if (end == NULL || strncmp(line, FIRST_LINE "\n", sizeof(FIRST_LINE)) != 0)
        return err_set(err, ERR_PROTOCOL, "it is of a version of mtlsd that passes sockets in another way: restart instead");
    for (line = end + 1; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *rest = cut(line);
        int rc = 0;
        if (rest != NULL && strcmp(line, "parent") == 0)
            rc = read_parent(l, rest, err);
        else if (rest != NULL && strcmp(line, "socket") == 0)
            rc = read_socket(l, rest, err);
        if (rc != 0)
            return -1;
    }
    return line[0] == '\0' && l->parent > 0 ? 0 : err_set(err, ERR_PROTOCOL, "the list of sockets has no end");
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        n++;
    return n < HANDOVER_MOST ? n : HANDOVER_MOST;
}

int handover_list_read(struct handover_list *out, struct span text, struct err *err)
{
    *out = (struct handover_list){.text = malloc(text.len + 1)};
    if (out->text == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    memcpy(out->text, text.ptr, text.len);
    out->text[text.len] = '\0';
    size_t room = count_lines(out->text) + 1;
    out->kinds = calloc(room, sizeof(*out->kinds));
    out->names = calloc(room, sizeof(*out->names));
    if (out->kinds == NULL || out->names == NULL)
        err_set(err, ERR_MEMORY, "out of memory");
    else if (read_lines(out, err) == 0)
        return 0;
    handover_list_clear(out);
    return -1;
}

void handover_list_clear(struct handover_list *l)
{
    free(l->kinds);
    free(l->names);
    free(l->text);
    *l = (struct handover_list){0};
}
