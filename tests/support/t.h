/* SPDX-License-Identifier: Apache-2.0 */
/* What every test program needs: Check, and one main. A test file defines `Suite *suite(void)`. */
#ifndef MTLSD_TEST_T_H
#define MTLSD_TEST_T_H

#include <check.h>
#include <stdlib.h>

Suite *suite(void);

#endif
