/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allow rules over the typed names of a valid certificate. All keys of a rule must match; one matching rule is enough.
 *
 * A key is compared with every value of its own type in the leaf, and matches if any of them does: all OUs of the subject, in any RDN and order; all
 * SANs of that type. A subject with several CNs has none, here as in the headers (tls_peer.h). Two keys may match two values, also of one RDN.
 * Values with control bytes or NUL match nothing. Types never stand for each other: a host name in the CN is not a DNS name (security A5, A6).
 *
 * cn, ou, o   Byte for byte as the certificate encodes them, so only UTF-8 and ASCII. A cn pattern of dots, stars and characters of host names matches
 *             only well-formed host names.
 * c, st, l    The same. A subject with several of a kind has none of it.
 * subject     The whole RFC 4514 text (tls_dn.h), byte for byte: order, case and string types count, and a star is no pattern.
 * policy      A certificate policy that the whole verified path confirms (tls_cert_policy.h).
 * dns         Without regard to case. A name with a star, or a malformed name (hostname_is_well_formed), matches nothing.
 * email       The part before the @ byte for byte, the domain as a host name.
 * ip          An address or a range.
 * uri         Byte for byte. A SPIFFE ID counts only if it is well-formed and the certificate's one URI, and only for a pattern with its trust domain.
 * issuer      The whole RFC 4514 text, and a CA of the trust itself issued the leaf: a CA below it may choose any name (tls_peer.by_anchor).
 * serial, fingerprint, spki   Hexadecimal; colons and case do not matter.
 * attribute   Of the row in the trust's registry, byte for byte. A certificate without a row has none.
 */
#ifndef MTLSD_POLICY_ALLOW_H
#define MTLSD_POLICY_ALLOW_H

#include "mtlsd/base/err.h"
#include "mtlsd/config/config.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

/* No rules: every valid peer. With rules: only a valid peer that matches one; no certificate never matches. */
bool allow_permits(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer);
/* The rule compares names of a type of which this valid certificate has an unmatchable one: malformed, a wildcard, one of several CNs, in letters
 * that rules do not read, or an issuer that only the peer sent. If no rule matches, that does not prove that the client is not meant. A rule that
 * keeps clients out must then not let it pass (security A15). */
bool allow_is_in_doubt(const struct config_allow *rules, size_t n, const struct tls_verdict *verdict, const struct tls_peer *peer);
/* Whether rules with allow_log_only accept a client that no rule matches: with a valid certificate, or without one if none is needed; never with
 * another status. NULL: no certificate was verified, no. */
bool allow_spares(const struct tls_verdict *verdict);
/* The first key of the rule that does not hold for this peer, in the order of allow_rule_describe: "ou"; "" for a rule without keys; NULL: all hold. */
const char *allow_first_miss(const struct config_allow *rule, const struct tls_peer *peer);
/* Whether the key issuer has this name in mind. */
bool allow_issuer_matches(const char *pattern, const char *issuer);

/* An allow rule as text: as the command line writes it, and for messages. */

/* One rule from "cn=x,ou=y" as the command line writes it. Strings are owned by *out; free with allow_rule_clear. */
MUST_CHECK int allow_rule_parse(const char *text, struct config_allow *out, struct err *err);
void allow_rule_clear(struct config_allow *rule);
/* "cn = \"x\", ou = \"y\"" for messages; empty when rules is NULL. */
void allow_rule_describe(const struct config_allow *rule, char *out, size_t size);

/* Why a rule does not hold, where that is not plain from the certificate's names: for people, who would otherwise search for a typing error. */

/* A hint about the first key of the rule that does not match, as a clause with what to do; NULL: none, or all match. */
const char *allow_why_not(const struct config_allow *rule, const struct tls_peer *peer);
/* The sentence for a refusal by a list none of whose rules holds. */
const char *allow_why_refused(const struct config_allow *rules, size_t n, const struct tls_peer *peer);

#endif
