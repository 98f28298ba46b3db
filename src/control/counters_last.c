/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/counters.h"

#include <string.h>

enum { WORDS = COUNTERS_WHO_SIZE / 8 };

/* Odd while the slot is written: who reads meanwhile leaves it out. The text goes word by word, so that no reader ever meets a torn one. */
static void write_slot(struct counters_last *slot, const uint64_t words[WORDS], uint64_t when)
{
    uint64_t turn = __atomic_load_n(&slot->turn, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->turn, turn + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (size_t i = 0; i < WORDS; i++)
        __atomic_store_n(&slot->words[i], words[i], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->when, when, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->turn, turn + 2, __ATOMIC_RELEASE);
}

bool counters_last_get(const struct counters_last *slot, char who[COUNTERS_WHO_SIZE], uint64_t *when)
{
    uint64_t words[WORDS], turn = __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = __atomic_load_n(&slot->words[i], __ATOMIC_RELAXED);
    *when = __atomic_load_n(&slot->when, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(who, words, COUNTERS_WHO_SIZE);
    who[COUNTERS_WHO_SIZE - 1] = '\0';
    return turn % 2 == 0 && turn == __atomic_load_n(&slot->turn, __ATOMIC_RELAXED) && *when != 0;
}

void counters_last_put(struct counters_last slots[COUNTERS_LAST], const char *who, uint64_t when)
{
    uint64_t words[WORDS] = {0};
    size_t oldest = 0;
    memcpy(words, who, strnlen(who, COUNTERS_WHO_SIZE - 1));
    for (size_t i = 0; i < COUNTERS_LAST; i++) {
        if (slots[i].when != 0 && memcmp(slots[i].words, words, sizeof(words)) == 0) {
            if (slots[i].when < when)
                write_slot(&slots[i], words, when);
            return;
        }
        if (slots[i].when < slots[oldest].when)
            oldest = i;
    }
    if (slots[oldest].when <= when)
        write_slot(&slots[oldest], words, when);
}
