/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/plan.h"

#include <stdio.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

struct span plan_host_field(const struct plan_target *target, char *out, size_t size)
{
    const struct config_upstream *up = target->upstream->conf;
    if (up->host == CONFIG_HOST_LITERAL)
        return span_from_str(up->host_literal);
    const struct address *address = &target->conf->address;
    const char *name = up->tls.server_name != NULL ? up->tls.server_name : address->host;
    if (address->kind == ADDRESS_UNIX)
        name = "localhost";
    bool v6 = strchr(name, ':') != NULL;
    bool usual_port = address->kind == ADDRESS_UNIX || address->port == (target->tls != NULL ? HTTPS_PORT : HTTP_PORT);
    int n = usual_port ? snprintf(out, size, v6 ? "[%s]" : "%s", name)
                       : snprintf(out, size, v6 ? "[%s]:%u" : "%s:%u", name, (unsigned)address->port);
    return span_of(out, n > 0 && (size_t)n < size ? (size_t)n : 0);
}
