/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_TEST_CONFIG_SAMPLE_H
#define MTLSD_TEST_CONFIG_SAMPLE_H

#include "mtlsd/base/bytes.h"

/* Appends the sample file, conf/mtlsd.conf.sample: every key with its default and its help. -1: out of memory. */
MUST_CHECK int config_sample(struct bytes *out);

#endif
