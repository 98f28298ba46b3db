/* SPDX-License-Identifier: Apache-2.0 */
#include "explain_caller.h"

#include "mtlsd/io/accounts.h"

#include <stdlib.h>

static int read_groups(struct caller *c, const char *const *groups, struct err *err)
{
    const struct account_source *accounts = &accounts_of_system;
    for (size_t i = 0; i < c->n_gids; i++) {
        struct account_ids unused = {0};
        int rc = accounts->group(accounts->ctx, groups[i], &c->gids[i], &unused, err);
        free(unused.ids);
        if (rc != 0)
            return -1;
    }
    c->groups_known = c->n_gids > 0;
    return 0;
}

int explain_caller_read(const char *user, const char *const *groups, size_t n, struct caller **out, struct err *err)
{
    struct caller *c = caller_new(n);
    if (c == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (accounts_of_system.user(accounts_of_system.ctx, user, &c->uid, err) != 0 || read_groups(c, groups, err) != 0) {
        free(c);
        return -1;
    }
    c->known = true;
    *out = c;
    return 0;
}
