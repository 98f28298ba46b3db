/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/health_rules.h"

enum { RISE = 2, FALL = 3, FIRST_WITHIN_MS = 1000 };

enum health_change health_rules_note(struct health_rules *h, bool good)
{
    if (good != h->down) { /* as it was thought to be */
        h->run = 0;
        h->known = h->known || good;
        return HEALTH_STAYS;
    }
    h->run++;
    unsigned needed = h->down ? RISE : h->known ? FALL : 1;
    if (h->run < needed)
        return HEALTH_STAYS;
    h->run = 0;
    h->known = true;
    h->down = !h->down;
    return h->down ? HEALTH_GOES_DOWN : HEALTH_COMES_UP;
}

uint64_t health_rules_next_ms(uint64_t interval_ms, uint64_t random)
{
    uint64_t spread = interval_ms / 5;
    return interval_ms - spread / 2 + (spread > 0 ? random % spread : 0);
}

uint64_t health_rules_first_ms(uint64_t interval_ms, uint64_t random)
{
    uint64_t within = interval_ms < FIRST_WITHIN_MS ? interval_ms : FIRST_WITHIN_MS;
    return within > 0 ? random % within : 0;
}
