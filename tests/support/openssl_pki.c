/* SPDX-License-Identifier: Apache-2.0 */
#include "openssl_pki.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void openssl_pki_make(struct openssl_pki *pki)
{
    openssl_pki_make_by("openssl_pki.sh", pki);
}

void openssl_pki_make_by(const char *script, struct openssl_pki *pki)
{
    char command[256];
    snprintf(pki->folder, sizeof(pki->folder), "/tmp/mtlsd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(pki->folder));
    snprintf(command, sizeof(command),
             "sh support/%s %s >%s/log 2>&1 || { cat %s/log >&2; exit 1; }", script, pki->folder, pki->folder, pki->folder);
    ck_assert_msg(system(command) == 0, "%s failed; is the working directory tests/?", script);
}

void openssl_pki_clear(struct openssl_pki *pki)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", pki->folder);
    ck_assert_int_eq(system(command), 0);
}

struct span openssl_pki_read(const struct openssl_pki *pki, const char *file)
{
    enum { MOST = 1 << 20 };
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", pki->folder, file);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    uint8_t *data = malloc(MOST);
    ck_assert_ptr_nonnull(data);
    size_t n = fread(data, 1, MOST, f);
    fclose(f);
    return span_of(data, n);
}
