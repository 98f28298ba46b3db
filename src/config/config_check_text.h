/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with variables: each is one that base/template.h can take apart, and its variables have values where it stands. */
#ifndef MTLSD_CONFIG_CHECK_TEXT_H
#define MTLSD_CONFIG_CHECK_TEXT_H

#include "config_read.h"

struct config_text_place { /* where a text stands */
    const struct config_reader *r;
    const struct config_listener *listener;
    const config_setting_t *setting;
    bool knows_tls; /* the listener's tls was read without an error */
};

void config_check_text(const struct config_text_place *p, const char *text);
/* For a redirect: a variable cannot choose its host, except for the host of the request (security C15). */
void config_check_location(const struct config_text_place *p, const char *text);

#endif
