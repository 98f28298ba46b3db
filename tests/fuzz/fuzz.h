/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz harness is: one function over bytes, which aborts when a property does not hold. */
#ifndef MTLSD_FUZZ_FUZZ_H
#define MTLSD_FUZZ_FUZZ_H

#include "mtlsd/base/span.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct fuzz_target {
    const char *name; /* of the file, without ".c" */
    int (*give)(const uint8_t *bytes, size_t n);
};

/* All targets, up to one without a name; CMakeLists.txt writes the table. */
extern const struct fuzz_target fuzz_targets[];

#endif
