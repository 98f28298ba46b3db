/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_HTTP_HTTP_VERSION_H
#define MTLSD_HTTP_HTTP_VERSION_H

const char *http_version_llhttp(void); /* as compiled in: it has no run-time one */
const char *http_version_nghttp2(void);

#endif
