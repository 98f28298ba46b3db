/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_version.h"

#include <llhttp.h>
#include <nghttp2/nghttp2.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *http_version_llhttp(void)
{
    return TEXT(LLHTTP_VERSION_MAJOR) "." TEXT(LLHTTP_VERSION_MINOR) "." TEXT(LLHTTP_VERSION_PATCH);
}

const char *http_version_nghttp2(void)
{
    return nghttp2_version(0)->version_str;
}
