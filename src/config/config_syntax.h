/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of libconfig, checked before libconfig reads the text: libconfig says "syntax error" and leaks memory.
 * Here the message names the key, the sign and, for brackets, the line of the opening one.
 */
#ifndef MTLSD_CONFIG_SYNTAX_H
#define MTLSD_CONFIG_SYNTAX_H

#include "config_source.h"

/* Writes the text for libconfig, regrouped (config_regroup.h) and with a NUL at its end. out is initialised by the caller. -1 with one error in
 * findings: the text does not follow the grammar, or memory ran out. */
MUST_CHECK int config_syntax_read(const struct config_source *s, struct bytes *out, struct findings *findings);

#endif
