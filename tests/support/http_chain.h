/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture of tests that send requests through injector and verifier with good certificates on both sides. */
#ifndef MTLSD_TEST_HTTP_CHAIN_H
#define MTLSD_TEST_HTTP_CHAIN_H

#include "wire.h"

extern struct wire http_chain; /* open between http_chain_open and http_chain_close */

void http_chain_make(void); /* unchecked fixture: certificates and contexts */
void http_chain_drop(void);
void http_chain_open(void); /* checked fixture */
void http_chain_close(void);

/* Sends a request and lets everything come to rest; what the app had got before is forgotten. */
void http_chain_ask(struct wire_socket *app, const char *request);
/* A backend that only listens. */
void http_chain_silent(struct wire *on, struct wire_socket *s);

#endif
