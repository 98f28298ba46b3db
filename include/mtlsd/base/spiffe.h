/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a SPIFFE ID (SPIFFE-ID section 2): spiffe://trust.domain/path, and nothing that another reader could take for something else. */
#ifndef MTLSD_BASE_SPIFFE_H
#define MTLSD_BASE_SPIFFE_H

#include "mtlsd/base/span.h"

/* The text begins like a SPIFFE ID, in any spelling and with any continuation. */
bool spiffe_is_meant(struct span uri);
/* No user, port, query, fragment, percent-encoding, empty or dot segment, upper case before the path; 2048 bytes at most. */
bool spiffe_is_well_formed(struct span uri);
/* Lower case letters, digits, dots, hyphens and underscores; 255 bytes at most. */
bool spiffe_is_domain(struct span text);
/* A well-formed ID of that trust domain, byte for byte, with a path. An ID without a path names the domain itself. */
bool spiffe_is_of_domain(struct span uri, struct span domain);
/* The trust domain of a well-formed ID with a path; empty: it is none. */
struct span spiffe_domain_of(struct span uri);
/* A pattern with its scheme and trust domain written out, without stars in them: a star there would let another authority's identities in. */
bool spiffe_names_domain(const char *pattern, struct span *domain);
/* A well-formed ID fits the pattern, which names its trust domain; stars as in text_glob. */
bool spiffe_matches(const char *pattern, struct span uri);
/* A file value that is no path: "spiffe:" and all that follows names something that the Workload API gives (control/workload.h). */
bool spiffe_is_source(const char *path);

#endif
