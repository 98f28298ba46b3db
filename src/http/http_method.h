/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarded methods, by our own list: llhttp's grows with its versions. */
#ifndef MTLSD_HTTP_HTTP_METHOD_H
#define MTLSD_HTTP_HTTP_METHOD_H

#include "mtlsd/base/span.h"

#include <stdbool.h>

bool http_method_is_known(struct span method);

#endif
