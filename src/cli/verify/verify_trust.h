/* SPDX-License-Identifier: Apache-2.0 */
/* The trust of `verify` and `drill`, made from files on the command line. */
#ifndef MTLSD_CLI_VERIFY_TRUST_H
#define MTLSD_CLI_VERIFY_TRUST_H

#include "flags.h"
#include "mtlsd/tls/tls_trust.h"

/* Fills ca and crl of the spec from these files and makes the trust; its other members say the rules. A CA may be a folder, or "system" alone. */
struct tls_trust *verify_trust_load(struct tls_trust_spec *spec, const struct flag_list *ca, const struct flag_list *crl, int64_t now,
                                    struct findings *notes, struct err *err);

#endif
