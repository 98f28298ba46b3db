/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that were made for renewed certificates, until they are written or their set is released. Not for several threads, but for key_renewal_... */
#ifndef MTLSD_KEYS_KEY_RENEWAL_H
#define MTLSD_KEYS_KEY_RENEWAL_H

#include "mtlsd/keys/key_service.h"

#include "mtlsd/control/identity_files.h"

enum { KEY_RENEWALS_MAX = 256 };

struct key_renewal {
    struct key_renewal *next;
    uint32_t set;
    uint64_t key;
    char *key_path, *certificate_path; /* owned; certificate_path NULL: one file holds both */
    struct tls_key_memory *memory;     /* a reference */
    struct span pem;                   /* the key, in memory */
    uint8_t before[TLS_KEY_ID], after[TLS_KEY_ID]; /* the public keys: of the identity in the files, and the new one */
    struct bytes certificates;         /* in the files */
};

struct key_renewals {
    struct key_renewal *first; /* owned */
    size_t n;
};

/* identity_files_read, after what a crash has left between two files is finished. */
void key_renewal_read(const struct key_service_order *service, const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out);

/* Reads the identity, makes a key and a request. files gets the request as the text of its key, and the new key. NULL + err. */
struct key_renewal *key_renewal_new(const struct key_service_order *service, const struct identity_order *order, struct tls_key_memory *memory,
                                    struct identity_files *files, struct err *err);
void key_renewal_free(struct key_renewal *renewal); /* wipes; NULL is fine */
/* Refused unless the files still hold the identity of the beginning, and certificates has one of the new key. */
MUST_CHECK int key_renewal_write(const struct key_service_order *service, const struct key_renewal *renewal, struct span certificates, struct err *err);

/* Takes renewal, also on failure: -1 + err, there are too many. */
MUST_CHECK int key_renewals_add(struct key_renewals *all, struct key_renewal *renewal, struct err *err);
/* The caller frees it. NULL: there is none with this key. */
struct key_renewal *key_renewals_take(struct key_renewals *all, uint64_t key);
void key_renewals_release(struct key_renewals *all, uint32_t set);
void key_renewals_clear(struct key_renewals *all);

#endif
