/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

static void check_versions(const struct config_reader *r, const struct config_tls *tls, const config_setting_t *group)
{
    if (tls->present && tls->max_version < tls->min_version && !config_read_is_tainted(group))
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "tls", "max_version", NULL),
                             "1.2 is below min_version, 1.3: no version is left; leave one of them out");
}

void config_check_versions(const struct config_reader *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->n_upstreams; i++)
        check_versions(r, &c->upstreams[i].tls, config_read_group_at(r, "upstreams", i));
    for (size_t i = 0; i < c->n_listeners; i++)
        check_versions(r, &c->listeners[i].tls, config_read_group_at(r, "listeners", i));
}
