/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/io_version.h"

#include <curl/curl.h>
#include <uv.h>

const char *io_version_libuv(void)
{
    return uv_version_string();
}

const char *io_version_libcurl(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}
