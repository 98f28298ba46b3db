/* SPDX-License-Identifier: Apache-2.0 */
/* One struct of each kind that a row of the option table writes to, so that a test can set any key without a
 * file. */
#ifndef MTLSD_TEST_CONFIG_SLOTS_H
#define MTLSD_TEST_CONFIG_SLOTS_H

#include "mtlsd/config/config.h"

struct config_slots {
    struct config top;
    struct config_identity identity;
    struct config_trust trust;
    struct config_upstream upstream;
    struct config_listener listener;
    struct config_allow rule;
    struct config_target target;
    struct config_route route;
    struct config_sni sni;
};
extern struct config_slots config_slots;

/* As if the text stood in /etc/mtlsd/mtlsd.conf. */
int config_slots_set(const char *group, const char *key, const char *text, struct err *err);
void config_slots_must_set(const char *group, const char *key, const char *text);

/* A value that is refused, and words of the reason. */
struct config_slots_row {
    const char *why, *group, *key, *text, *says;
};
void config_slots_refused(const struct config_slots_row *row);

/* Frees what was set: the fixture that follows each test. */
void config_slots_clear(void);

#endif
