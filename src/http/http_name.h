/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares field names as the most lenient backend would: case is ignored, and every byte that is not a letter or digit
 * counts as '-'. CGI, WSGI and similar interfaces give X_SSL_Client_CN the same name as X-SSL-Client-CN, and lighttpd's
 * CGI also X~SSL~Client~CN.
 */
#ifndef MTLSD_HTTP_HTTP_NAME_H
#define MTLSD_HTTP_HTTP_NAME_H

#include "mtlsd/base/span.h"

/* other is spelled with letters, digits and '-'. */
bool http_name_equals(struct span name, const char *other);
bool http_name_same(struct span a, struct span b); /* both in any spelling */
bool http_name_starts(struct span name, const char *prefix);
bool http_name_is_one_of(struct span name, const char *const *list, size_t n);

#endif
