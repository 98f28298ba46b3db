/* SPDX-License-Identifier: Apache-2.0 */
/* Where a running daemon answers: flags --socket and --config of the commands that ask it. */
#ifndef MTLSD_CLI_ADMIN_PLACE_H
#define MTLSD_CLI_ADMIN_PLACE_H

struct admin_place { /* as given; NULL: not */
    const char *socket, *file;
};

/* The path of the admin socket, which the caller frees. NULL: it was said why, and *exit_code is set. */
char *admin_place_find(const struct admin_place *place, int *exit_code);

#endif
