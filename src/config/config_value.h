/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of the configuration: text to field, by the row of the option table. Defaults pass the same checks as
 * written values, so a default outside of its bounds cannot exist.
 */
#ifndef MTLSD_CONFIG_VALUE_H
#define MTLSD_CONFIG_VALUE_H

#include "mtlsd/config/config.h"

enum config_value_form { CONFIG_VALUE_STRING, CONFIG_VALUE_STRING_OR_NUMBER, CONFIG_VALUE_NUMBER, CONFIG_VALUE_BOOL, CONFIG_VALUE_GROUP };

enum config_value_form config_value_form(const struct config_option *o);
bool config_value_takes_list(const struct config_option *o);

/* Puts text into the struct at base; a list type gains one element. file is where the text stands, for
 * relative paths. */
MUST_CHECK int config_value_set(const struct config_option *o, const char *text, const char *file, void *base,
                                struct err *err);

/* No text of a configuration is empty or holds control characters. */
MUST_CHECK int config_value_check_text(const char *text, struct err *err);

/* Frees what config_value_set put there. */
void config_value_free(const struct config_option *o, void *base);

#endif
