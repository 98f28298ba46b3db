/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of HTTP each hop of a wire (wire.h) speaks: the same suites run over all pairs of versions. */
#ifndef MTLSD_TEST_WIRE_PAIR_H
#define MTLSD_TEST_WIRE_PAIR_H

#include <stdbool.h>

/* The injector has the pair app and hop, the verifier hop and backend. */
struct wire_pair {
    bool app, hop, backend; /* HTTP/2 */
};

/* From WIRE_PAIR in the environment, a version for each hop: "h2-h1-h2". Nothing is HTTP/1.1 everywhere. */
const struct wire_pair *wire_pair(void);
/* Whether a test runs over this pair; those about HTTP/1.1 itself do not where it is not spoken. */
bool wire_pair_takes(const char *test);

#endif
