/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that are forwarded, by a list of ours: llhttp's grows with its versions. */
#ifndef MTLSD_HTTP_HTTP_METHOD_H
#define MTLSD_HTTP_HTTP_METHOD_H

#include "mtlsd/base/span.h"

#include <stdbool.h>

bool http_method_is_known(struct span method);

#endif
