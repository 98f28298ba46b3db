/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values with a fixed set of words, which the row's bounds list as "a | b | c".
 */
#ifndef MTLSD_CONFIG_CHOICE_H
#define MTLSD_CONFIG_CHOICE_H

#include "config_slot.h"

/* The n-th of the words as a span of it; false past the end. */
bool config_choice_word(const char *words, size_t n, const char **word, size_t *len);

/* Which of its row's words the text is; false for none of them. */
bool config_choice_find(const struct config_slot *s, unsigned *index);

/* The field is an enum in the order of the words; a mask with one bit for each; a mask of enum reason
 * (tolerated: certificates that can be read and are bad); an enum config_sticky; an enum config_serve. */
MUST_CHECK int config_choice_set_word(const struct config_slot *s, struct err *err);
MUST_CHECK int config_choice_set_words(const struct config_slot *s, struct err *err);
/* A word, or a pattern of variables: a struct config_format. */
MUST_CHECK int config_choice_set_format(const struct config_slot *s, struct err *err);
void config_choice_free_format(const struct config_slot *s);
MUST_CHECK int config_choice_set_tolerated(const struct config_slot *s, struct err *err);
MUST_CHECK int config_choice_set_statuses(const struct config_slot *s, struct err *err);
MUST_CHECK int config_choice_set_sticky(const struct config_slot *s, struct err *err);
MUST_CHECK int config_choice_set_sticky_mode(const struct config_slot *s, struct err *err);
MUST_CHECK int config_choice_set_serve(const struct config_slot *s, struct err *err);

#endif
