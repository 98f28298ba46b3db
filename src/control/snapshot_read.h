/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files that a configuration names. Every fault becomes a finding with the place in the configuration, and -1. */
#ifndef MTLSD_CONTROL_SNAPSHOT_READ_H
#define MTLSD_CONTROL_SNAPSHOT_READ_H

#include "snapshot_load.h"

struct file_set;

/* One thing of the configuration that files are read for. */
struct snapshot_subject {
    const char *kind, *name, *where;
};

int snapshot_read_complain(const struct loader *l, const struct snapshot_subject *s, const char *path, const char *text);
/* err: the words of the file source. */
int snapshot_read_unreadable(const struct loader *l, const struct snapshot_subject *s, const char *path, const struct err *err);
/* The whole file, which is not empty. */
MUST_CHECK int snapshot_read_file(const struct loader *l, const struct snapshot_subject *s, const char *path, struct bytes *out, struct file_facts *facts);
/* Refuses a file that other users can read, change or replace, as its use demands. */
MUST_CHECK int snapshot_read_access(const struct loader *l, const struct snapshot_subject *s, const char *path, enum file_use use,
                                    const struct file_access *access);
/* The CA of a trust, a file or a folder of them. */
MUST_CHECK int snapshot_read_ca(const struct loader *l, const struct snapshot_subject *s, const char *path, struct file_set *set);
/* The bundles of SPIFFE trust domains, in their order. One that the agent does not give has an empty text. */
MUST_CHECK int snapshot_read_bundles(const struct loader *l, const struct snapshot_subject *s, const struct config_strings *domains, struct file_set *set);
MUST_CHECK int snapshot_read_crls(const struct loader *l, const struct snapshot_subject *s, const struct config_strings *paths, struct file_set *set);

#endif
