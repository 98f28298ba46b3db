/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may pass: rules over the typed names of a certificate that was judged valid. All keys of one rule must hold; any rule suffices.
 *
 * A key is compared with every value of its own type in the leaf, and holds when any of them matches: all OUs of the subject, in whatever RDNs
 * they stand and in whatever order; all SANs of that type. A subject with several CNs has none, here as in the headers (tls_peer.h). Two keys may be held by two values, also of one RDN. Values with control bytes or NUL
 * match nothing. Types never stand for each other: a host name in the CN is no DNS name (security A5, A6).
 *
 * cn, ou, o: byte for byte as the certificate encodes them (so only UTF-8 and ASCII); a cn pattern made of dots, stars and what host names have
 * is for well-formed host names alone. dns: without regard to case; a name with a star, or
 * one that is not well-formed (hostname_is_well_formed), matches nothing. email: the part before the @ byte for byte, the domain as a host name. ip: an address or a
 * range of them. uri: byte for byte; a SPIFFE ID counts only when it is well-formed and the certificate's one URI, and only for a pattern that
 * writes out its trust domain. issuer: the whole RFC 4514 text, and the leaf was issued by
 * a CA of the trust itself: any CA below one may issue to a CA of any name (tls_peer.by_anchor). serial, fingerprint, spki: hexadecimal, colons and case do not matter.
 */
#ifndef MTLSD_POLICY_ALLOW_H
#define MTLSD_POLICY_ALLOW_H

#include "mtlsd/config/config.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

/* No rules: every valid peer. With rules: only a valid peer that matches one; no certificate never matches. */
bool allow_permits(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer);
/* A rule looks at names of a type of which this valid certificate has one that no pattern could match: it is malformed, a wildcard, one of several CNs, in
 * letters that rules do not read, or an issuer that only the peer sent. That no rule holds does
 * not prove then that the caller is none of those who are meant, and a rule that keeps them out must not let it pass (security A15). */
bool allow_is_in_doubt(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer);
/* Whether rules that are only tried out (allow_log_only) let pass a caller for whom none holds: a valid certificate, or none where none is needed;
 * never one that is not valid. NULL: nobody was judged, no. */
bool allow_spares(const struct tls_verdict *verdict);
/* "cn = \"x\", ou = \"y\"" for messages; empty when rules is NULL. */
void allow_describe(const struct config_allow *rule, char *out, size_t size);
/* The first key of the rule that does not hold for this peer, in the order of allow_describe: "ou"; "" for a rule without keys; NULL: all hold. */
const char *allow_first_miss(const struct config_allow *rule, const struct tls_peer *peer);
/* Whether the key issuer has this name in mind. */
bool allow_issuer_matches(const char *pattern, const char *issuer);
/* One rule from "cn=x,ou=y" as the command line writes it. Strings are owned by *out; free with allow_rule_clear. */
MUST_CHECK int allow_rule_parse(const char *text, struct config_allow *out, struct err *err);
void allow_rule_clear(struct config_allow *rule);

#endif
