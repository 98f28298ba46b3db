/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key in a token, used by a thread of its own: a call into a module takes as long as the token likes, and no other thread of the key process may wait
 * for that. Who wants a signature waits with a deadline, and not at all while an earlier call has not come back.
 */
#ifndef MTLSD_IO_KEY_TOKEN_H
#define MTLSD_IO_KEY_TOKEN_H

#include "mtlsd/tls/tls_signing_key.h"

enum { KEY_TOKEN_MS = 2000, KEY_TOKENS_MAX = 1024 };

/* Takes the reference, also on failure. The last call into the module, which closes the session, is made by the thread, too. NULL: no further thread. */
struct tls_signing_key *key_token_apart(struct tls_signing_key *key);

#endif
