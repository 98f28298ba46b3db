/* SPDX-License-Identifier: Apache-2.0 */
/* The files of tests/fuzz/pki (make_pki.sh tells which), read once and kept; and the moment at which harnesses judge. */
#ifndef MTLSD_FUZZ_PKI_FILES_H
#define MTLSD_FUZZ_PKI_FILES_H

#include "mtlsd/tls/tls_trust.h"

#define PKI_FILES_NOW INT64_C(1768478400) /* 2026-01-15T12:00:00Z */

struct span pki_files_text(const char *file);
struct span pki_files_der(const char *file); /* of its one PEM block */
/* Of root.pem; crl: NULL-terminated names of list files, without any there are none and none is required. */
struct tls_trust *pki_files_trust(const char *const *crl);

#endif
