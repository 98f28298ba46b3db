/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"
#include "mtlsd/config/config_version.h"
#include "mtlsd/http/http_version.h"
#include "mtlsd/io/io_version.h"
#include "mtlsd/tls/tls_version.h"

#include <jansson.h>
#include <stdio.h>

void version_print(void)
{
    printf("mtlsd %s\n", MTLSD_VERSION);
    printf("  GnuTLS     %s\n", tls_version_gnutls());
    printf("  libuv      %s\n", io_version_libuv());
    printf("  libcurl    %s\n", io_version_libcurl());
    printf("  llhttp     %s\n", http_version_llhttp());
    printf("  nghttp2    %s\n", http_version_nghttp2());
    printf("  libconfig  %s\n", config_version_libconfig());
    printf("  jansson    %s\n", jansson_version_str());
    printf("  groups     %s\n", tls_version_groups());
}
