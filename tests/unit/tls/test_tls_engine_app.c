/* SPDX-License-Identifier: Apache-2.0 */
/* Application bytes through an engine, and records that bring none. */
#include "t.h"

#include "ends.h"

START_TEST(bytes_that_nobody_reads_have_a_bound) /* D1 */
{
    static const uint8_t junk[64 * 1024];
    ends_open(&(struct wire_side){0}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    for (int i = 0; i < 15; i++) {
        tls_engine_wire_in(ends_server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
        tls_engine_wire_keep(ends_server.e);
        ck_assert_uint_eq(tls_engine_flags(ends_server.e) & TLS_FAILED, 0);
    }
    for (int i = 0; i < 2; i++)
        tls_engine_wire_in(ends_server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
    tls_engine_wire_keep(ends_server.e);
    ends_expect_failed(&ends_server, REASON_OVERLOADED, "more than a megabyte");
    ends_close();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_app");
    TCase *c = tcase_create("engine");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, bytes_that_nobody_reads_have_a_bound);
    suite_add_tcase(s, c);
    return s;
}
