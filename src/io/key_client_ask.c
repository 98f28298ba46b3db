/* SPDX-License-Identifier: Apache-2.0 */
#include "key_client_parts.h"

#include "mtlsd/base/log.h"

#include <pthread.h>

/* Each thread begins at another one, so that they do not meet. NULL: there are more threads than channels. */
static struct key_channel *take_channel(struct key_client *c)
{
    size_t from = (size_t)(((uintptr_t)pthread_self() >> 12) * 2654435761U);
    for (unsigned i = 0; i < c->n; i++) {
        struct key_channel *channel = &c->channels[(from + i) % c->n];
        if (key_channel_take(channel))
            return channel;
    }
    return NULL;
}

static void note_silence(struct key_client *c)
{
    if (!atomic_exchange(&c->silent, true))
        log_say(LOG_LEVEL_ERROR, "keys", "the key process (pid %d) does not answer within %d s: handshakes are refused until it does", (int)c->pid,
                KEY_CLIENT_SIGN_MS / 1000);
}

static void note_answer(struct key_client *c)
{
    if (atomic_load_explicit(&c->silent, memory_order_relaxed) && atomic_exchange(&c->silent, false))
        log_say(LOG_LEVEL_WARN, "keys", "the key process (pid %d) answers again", (int)c->pid);
}

/* While it is silent no thread waits again; answers that came since then show that it is not. */
static bool is_silent(struct key_client *c)
{
    if (!atomic_load_explicit(&c->silent, memory_order_relaxed))
        return false;
    for (unsigned i = 0; i < c->n; i++)
        if (key_channel_take(&c->channels[i])) { /* gives back what was late */
            if (c->channels[i].answered)
                note_answer(c);
            key_channel_give_back(&c->channels[i]);
        }
    return atomic_load(&c->silent);
}

static int talk(struct key_client *c, struct key_channel *channel, const struct key_conversation *t, struct err *err)
{
    struct span message;
    uint32_t number = key_channel_next(channel);
    if (key_message_request(&channel->out, number, t->request) != 0)
        return key_channel_forget(channel), err_set(err, ERR_MEMORY, "out of memory for a request to the key process");
    enum key_channel_outcome outcome = key_channel_talk(channel, t->within_ms, &message);
    if (outcome == KEY_CHANNEL_LATE && t->request->kind == KEY_SIGN)
        note_silence(c);
    if (outcome == KEY_CHANNEL_ENDED)
        atomic_store(&c->ended, true);
    if (outcome != KEY_CHANNEL_ANSWERED)
        return err_set(err, ERR_IO, outcome == KEY_CHANNEL_LATE ? "the key process does not answer in time" : "the key process has ended");
    note_answer(c);
    int rc = key_message_read_answer(message, t->answer, t->files);
    if (rc == 0 && t->workload != NULL && t->answer->workload.len > 0)
        rc = bytes_append_span(t->workload, t->answer->workload);
    t->answer->workload = (struct span){0};
    key_channel_read(channel);
    if (rc == 0)
        atomic_store_explicit(&c->refused, t->answer->refused, memory_order_relaxed);
    return rc == 0 ? 0 : err_set(err, ERR_INTERNAL, "the answer of the key process is malformed");
}

int key_client_ask(struct key_client *c, const struct key_conversation *t, struct err *err)
{
    if (is_silent(c))
        return err_set(err, ERR_IO, "the key process does not answer");
    struct key_channel *channel = take_channel(c);
    if (channel == NULL)
        return err_set(err, ERR_IO, "too many threads ask the key process");
    int rc = talk(c, channel, t, err);
    key_channel_give_back(channel);
    return rc;
}
