/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SERIAL 0x1001
#define HEADER "# mtlsd pki: serial not_after revoked_at purpose kind name"

void pki_index_init(struct pki_index *index)
{
    *index = (struct pki_index){.next_serial = FIRST_SERIAL, .next_crl = 1};
}

void pki_index_clear(struct pki_index *index)
{
    free(index->items);
    pki_index_init(index);
}

static struct pki_entry *append(struct pki_index *index, const struct pki_entry *entry)
{
    if (index->n == index->cap) {
        size_t cap = index->cap > 0 ? index->cap * 2 : 16;
        struct pki_entry *items = realloc(index->items, cap * sizeof(*items));
        if (items == NULL)
            return NULL;
        index->items = items;
        index->cap = cap;
    }
    index->items[index->n] = *entry;
    return &index->items[index->n++];
}

struct pki_entry *pki_index_add(struct pki_index *index, const struct pki_entry *entry)
{
    struct pki_entry *added = append(index, entry);
    if (added != NULL)
        added->serial = index->next_serial++;
    return added;
}

static int parse_line(struct pki_index *index, const char *line, unsigned number, struct err *err)
{
    struct pki_entry e = {0};
    int end = 0;
    if (line[0] == '#' || line[0] == '\0')
        return 0;
    if (sscanf(line, "next %" SCNx64 " crl %" SCNu64 "%n", &index->next_serial, &index->next_crl, &end) == 2 && line[end] == '\0')
        return 0;
    end = 0;
    if (sscanf(line, "%" SCNx64 " %" SCNd64 " %" SCNd64 " %7s %15s %64s%n", &e.serial, &e.not_after, &e.revoked_at, e.purpose, e.kind,
               e.name, &end) != 6 ||
        line[end] != '\0' || !pki_index_name_is_fit(e.name))
        return err_set(err, ERR_CREDENTIAL, "line %u is not an entry of a pki index", number);
    return append(index, &e) != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int pki_index_parse(struct pki_index *index, const char *text, struct err *err)
{
    char line[256];
    unsigned number = 1;
    for (const char *at = text; *at != '\0'; number++) {
        size_t n = strcspn(at, "\n");
        if (n >= sizeof(line))
            return err_set(err, ERR_CREDENTIAL, "line %u is too long for an entry of a pki index", number);
        memcpy(line, at, n);
        line[n] = '\0';
        if (parse_line(index, line, number, err) != 0)
            return -1;
        at += n + (at[n] == '\n' ? 1 : 0);
    }
    return 0;
}

int pki_index_write(const struct pki_index *index, struct bytes *out)
{
    int rc = bytes_printf(out, HEADER "\nnext %" PRIx64 " crl %" PRIu64 "\n", index->next_serial, index->next_crl);
    for (size_t i = 0; i < index->n; i++) {
        const struct pki_entry *e = &index->items[i];
        rc = bytes_printf(out, "%" PRIx64 " %" PRId64 " %" PRId64 " %s %s %s\n", e->serial, e->not_after, e->revoked_at, e->purpose, e->kind, e->name);
    }
    return rc;
}

size_t pki_index_revoke(struct pki_index *index, const char *name, int64_t now, bool *known)
{
    size_t revoked = 0;
    *known = false;
    for (size_t i = 0; i < index->n; i++) {
        if (strcmp(index->items[i].name, name) != 0)
            continue;
        *known = true;
        if (index->items[i].revoked_at == 0) {
            index->items[i].revoked_at = now;
            revoked++;
        }
    }
    return revoked;
}

int pki_index_check_name(const char *name, struct err *err)
{
    if (pki_index_name_is_fit(name))
        return 0;
    return err_set(err, ERR_USAGE,
                   "\"%.100s\" cannot be the name: it becomes a file name, so use letters, digits, '.', '_' and '-' (at most %d, not \"ca\", "
                   "\"crl\" or \"index\")",
                   name, PKI_NAME_MAX);
}

bool pki_index_name_is_fit(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(name);
    if (n == 0 || n > PKI_NAME_MAX || name[0] == '.' || name[0] == '-' || strspn(name, letters) != n)
        return false;
    return strcmp(name, "ca") != 0 && strcmp(name, "crl") != 0 && strcmp(name, "index") != 0;
}
