/* SPDX-License-Identifier: Apache-2.0 */
/* An app that speaks HTTP/2 with prior knowledge at the near end of a wire (wire.h). */
#ifndef MTLSD_TEST_H2_APP_H
#define MTLSD_TEST_H2_APP_H

#include "mtlsd/http/http2.h"
#include "wire.h"

enum { H2_APP_STREAMS = 128 };

struct h2_app_stream {
    struct http2_stream *stream;
    unsigned status, interims;
    struct bytes body;
    char trailer[64]; /* "name: value" of the first */
    bool ended, reset;
    uint32_t code;
};

struct h2_app {
    struct wire *wire;
    struct wire_socket *socket;
    struct raw_tls *tls; /* borrowed: it speaks through that; NULL: in plaintext */
    struct http2 *h2;
    struct h2_app_stream streams[H2_APP_STREAMS];
    size_t n;
    bool keeps_window; /* what arrives is not taken: the window closes */
    bool goaway;
    uint32_t goaway_code;
};

void h2_app_open(struct h2_app *app, struct wire *w);
void h2_app_close(struct h2_app *app);
/* A request without a body when body is NULL; "" leaves it open for h2_app_send. Extra fields: pairs of strings, ended by NULL; may be NULL. */
struct h2_app_stream *h2_app_ask(struct h2_app *app, const char *method, const char *path, const char *body, const char *const *fields);
/* An extended CONNECT (RFC 8441), which h2_app_send goes on with. */
struct h2_app_stream *h2_app_connect(struct h2_app *app, const char *protocol, const char *path, const char *const *fields);
void h2_app_send(struct h2_app *app, struct h2_app_stream *s, const char *text, bool ends);
/* Everything moves until nothing does. */
void h2_app_run(struct h2_app *app);
const char *h2_app_body(struct h2_app_stream *s);

#endif
