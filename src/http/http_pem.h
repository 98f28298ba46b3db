/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as PEM. */
#ifndef MTLSD_HTTP_HTTP_PEM_H
#define MTLSD_HTTP_HTTP_PEM_H

#include "mtlsd/base/bytes.h"

int http_pem_append(struct bytes *out, struct span der);
/* With every byte but letters, digits and "-._~" as %XX: how nginx and Envoy put one into a header. */
int http_pem_append_encoded(struct bytes *out, struct span der);

#endif
