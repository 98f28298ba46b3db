/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the gate (mtlsd/policy/admit.h): each gives REASON_VALID or refuses, with a sentence in err. The asks_ say whether a step has anything to ask. */
#ifndef MTLSD_POLICY_ADMIT_STEPS_H
#define MTLSD_POLICY_ADMIT_STEPS_H

#include "mtlsd/policy/admit.h"

enum { ADMIT_REWRITTEN_MAX = 512 * 1024 };

#define ADMIT_ONLY_NAMED "the certificate is not valid, and only routes that name its status serve it"

/* admit_who.c */
bool admit_who_asks_program(const struct admit_place *at, const struct admission *a);
enum reason admit_who_program(const struct admit_place *at, struct admission *a, struct err *err);
enum reason admit_who_identities(const struct admit_place *at, size_t route, struct err *err);
bool admit_who_asks_header(const struct admit_place *at, const struct admission *a);
enum reason admit_who_header(const struct admit_place *at, struct admission *a, struct err *err);
bool admit_who_asks_caller(const struct admit_place *at, const struct admission *a);
enum reason admit_who_caller(const struct admit_place *at, struct admission *a, struct err *err);
/* The rules let it in, or are only tried out. */
bool admit_who_lets_pass(const struct admit_place *at, const struct config_allow *rules, size_t n, bool log_only, struct admission *a);
enum reason admit_who_not_allowed(const struct admit_place *at, const struct config_allow *rules, size_t n, struct err *err);
/* Its certificate is not valid, and was accepted for routes that name its status. */
bool admit_who_is_tolerated(const struct admit_place *at);

/* admit_where.c */
enum reason admit_where_route(const struct admit_place *at, struct admission *a, struct err *err);
bool admit_where_forwards(const struct config_route *route);
bool admit_where_asks_destination(const struct admit_place *at, const struct admission *a);
enum reason admit_where_destination(const struct admit_place *at, struct admission *a, struct err *err);

#endif
