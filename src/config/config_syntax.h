/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of libconfig, checked before libconfig reads the text: libconfig says "syntax error" and leaks memory.
 * Here the message names the key, the sign and, for brackets, the line of the opening one.
 */
#ifndef MTLSD_CONFIG_SYNTAX_H
#define MTLSD_CONFIG_SYNTAX_H

#include "config_source.h"

/* -1 with one error in findings when the text does not follow the grammar. */
MUST_CHECK int config_syntax_check(const struct config_source *s, struct findings *findings);

#endif
