/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a key and its certificate in place of an identity's files, so that a crash leaves the old pair or the new one. */
#ifndef MTLSD_IO_KEY_PAIR_H
#define MTLSD_IO_KEY_PAIR_H

#include "mtlsd/keys/key_service.h"

/*
 * Two files cannot be exchanged at once. So each is written beside the other with ".renewed" behind its name, the key first, and they are renamed in
 * the same order. If only that of the certificate is there, then the key is in its place already, and the certificate has to follow. If both are there,
 * or that of the key alone, then nothing was exchanged yet, and the next renewal writes them again.
 */
extern const struct key_pair_files key_pair_files_disk;

/* Whether such a pair could be written now, as this user: both are regular files, and their folders take new ones. certificate_path NULL: one file. */
MUST_CHECK int key_pair_check(const char *key_path, const char *certificate_path, struct err *err);
/* The folder of a file, as its path says. */
void key_pair_folder(const char *path, char *out, size_t size);

#endif
