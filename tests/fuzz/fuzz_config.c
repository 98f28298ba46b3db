/* SPDX-License-Identifier: Apache-2.0 */
/* No text crashes the configuration reader, and a refusal always has words. */
#include "fuzz.h"

#include "mtlsd/config/config.h"

#include "mtlsd/base/span.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = span_dup(span_of(bytes, n));
    if (text == NULL)
        return 0;
    struct findings findings;
    findings_init(&findings);
    struct config *c = config_parse(text, "fuzz.conf", &findings);
    assert((c == NULL) == (findings_failed(&findings) != 0));
    for (size_t i = 0; i < findings.n; i++)
        assert(findings.items[i].text[0] != '\0');
    config_free(c);
    findings_clear(&findings);
    free(text);
    return 0;
}
