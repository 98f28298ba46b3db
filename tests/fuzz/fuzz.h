/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz harness is: one function over bytes, which aborts when a property does not hold. */
#ifndef MTLSD_FUZZ_FUZZ_H
#define MTLSD_FUZZ_FUZZ_H

#include "mtlsd/base/span.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
