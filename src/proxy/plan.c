/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/plan.h"

#include <stdio.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

struct span plan_host_field(const struct plan_upstream *up, char *out, size_t size)
{
    if (up->conf->host == CONFIG_HOST_LITERAL)
        return span_from_str(up->conf->host_literal);
    const struct address *target = &up->conf->target;
    const char *name = up->conf->tls.server_name != NULL ? up->conf->tls.server_name : target->host;
    if (target->kind == ADDRESS_UNIX)
        name = "localhost";
    bool v6 = strchr(name, ':') != NULL;
    bool usual_port = target->kind == ADDRESS_UNIX || target->port == (up->tls != NULL ? HTTPS_PORT : HTTP_PORT);
    int n = usual_port ? snprintf(out, size, v6 ? "[%s]" : "%s", name)
                       : snprintf(out, size, v6 ? "[%s]:%u" : "%s:%u", name, (unsigned)target->port);
    return span_of(out, n > 0 && (size_t)n < size ? (size_t)n : 0);
}
