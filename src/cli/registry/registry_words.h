/* SPDX-License-Identifier: Apache-2.0 */
/* Words of `mtlsd registry` in files of their own. */
#ifndef MTLSD_CLI_REGISTRY_WORDS_H
#define MTLSD_CLI_REGISTRY_WORDS_H

int registry_sessions(int argc, char **argv);
int registry_import(int argc, char **argv);
int registry_export(int argc, char **argv);

#endif
