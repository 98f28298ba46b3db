/* SPDX-License-Identifier: Apache-2.0 */
/* Names as OpenSSL spells them, for those who learnt to read them elsewhere: PROXY headers, logs of web servers. */
#ifndef MTLSD_TLS_TLS_WORDS_H
#define MTLSD_TLS_TLS_WORDS_H

enum { TLS_WORDS_SIZE = 64 };

/* A cipher suite by IANA's name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" is "ECDHE-RSA-AES128-GCM-SHA256"; those of TLS 1.3 have one name. Empty for NULL and
 * for what does not fit. */
void tls_words_suite(const char *iana, char out[TLS_WORDS_SIZE]);
/* A version of the protocol: "TLS1.3" is "TLSv1.3". Likewise. */
void tls_words_version(const char *ours, char out[TLS_WORDS_SIZE]);

#endif
