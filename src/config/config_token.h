/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of a loaded source, with their places: words, strings, signs. All who read the text of a configuration beside libconfig walk by these.
 */
#ifndef MTLSD_CONFIG_TOKEN_H
#define MTLSD_CONFIG_TOKEN_H

#include "config_source.h"

enum config_token_kind { CONFIG_TOKEN_END, CONFIG_TOKEN_WORD, CONFIG_TOKEN_STRING /* with its quotes */, CONFIG_TOKEN_SIGN };

struct config_token {
    enum config_token_kind kind;
    const char *text; /* borrowed from the source */
    size_t n;
    const char *gap; /* the blanks in front begin here */
    unsigned line;   /* of the source's text */
};

void config_token_begin(struct config_token *t, const struct config_source *s);
/* False at the end; the gap is then what stands behind the last token. */
bool config_token_next(struct config_token *t);

#endif
