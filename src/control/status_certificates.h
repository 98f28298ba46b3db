/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the status about certificates: ours, those we verify with, and registries of them. A list each; NULL: out of memory. */
#ifndef MTLSD_CONTROL_STATUS_CERTIFICATES_H
#define MTLSD_CONTROL_STATUS_CERTIFICATES_H

#include "mtlsd/control/admin.h"

struct json_t *status_certificates_identities(const struct admin_view *view);
struct json_t *status_certificates_trusts(const struct admin_view *view);
struct json_t *status_certificates_registries(const struct admin_view *view);

#endif
