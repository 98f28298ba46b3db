/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_context.h"
#include "tls_tickets.h"

#include <string.h>

static struct tls_tickets *store;

static void make(void)
{
    store = tls_tickets_new(3);
    ck_assert_ptr_nonnull(store);
}

static void clear(void)
{
    tls_tickets_free(store);
}

static void put(uint64_t context, const char *text)
{
    unsigned size = (unsigned)strlen(text) + 1;
    gnutls_datum_t data = {gnutls_malloc(size), size};
    ck_assert_ptr_nonnull(data.data);
    memcpy(data.data, text, size);
    tls_tickets_put(store, context, data, (struct tls_ours){(uint8_t)context, context % 2 == 0});
}

/* NULL: none is to be had. */
static void expect(const char *why, uint64_t context, const char *text)
{
    gnutls_datum_t data = {0};
    struct tls_ours ours = {0};
    bool got = tls_tickets_take(store, context, &data, &ours);
    ck_assert(!got || (ours.which == (uint8_t)context && ours.presented == (context % 2 == 0)));
    ck_assert_msg(got == (text != NULL), "%s: %s", why, got ? "a ticket" : "no ticket");
    if (text != NULL)
        ck_assert_msg(strcmp((const char *)data.data, text) == 0, "%s: got %s", why, (const char *)data.data);
    gnutls_free(data.data);
}

START_TEST(b5_a_ticket_serves_once)
{
    put(7, "one");
    expect("the first time", 7, "one");
    expect("the second time", 7, NULL);
}
END_TEST

START_TEST(b5_a_ticket_serves_no_other_context)
{
    put(7, "seven");
    const struct {
        const char *why;
        uint64_t context;
    } others[] = {{"the next", 8}, {"none", 0}, {"the same low bytes", 7 | UINT64_C(1) << 32}, {"the last", UINT64_MAX}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        expect(others[i].why, others[i].context, NULL);
    put(8, "eight");
    expect("its own", 7, "seven");
    expect("its own, too", 8, "eight");
}
END_TEST

START_TEST(the_newest_comes_first)
{
    put(7, "old");
    put(7, "new");
    expect("first", 7, "new");
    expect("then", 7, "old");
}
END_TEST

START_TEST(holds_no_more_than_its_bound_for_each_context) /* D1 */
{
    static const char *const texts[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        put(7, texts[i]);
    put(8, "x");
    expect("the third", 7, "c");
    put(7, "f"); /* what was taken makes room */
    expect("in its room", 7, "f");
    expect("the second", 7, "b");
    expect("the first", 7, "a");
    expect("no fourth", 7, NULL);
    expect("a full shelf is not the neighbour's", 8, "x");
}
END_TEST

START_TEST(a_store_of_none_keeps_none)
{
    tls_tickets_free(store);
    store = tls_tickets_new(0);
    put(7, "x");
    expect("nothing is kept", 7, NULL);
}
END_TEST

START_TEST(b5_forgets_everything_and_goes_on)
{
    put(7, "a");
    put(8, "b");
    tls_tickets_forget_all(store);
    expect("forgotten", 7, NULL);
    expect("forgotten too", 8, NULL);
    put(7, "late"); /* a connection of before a reload */
    expect("kept", 7, "late");
}
END_TEST

START_TEST(frees_what_nobody_took)
{
    for (uint64_t context = 1; context <= 50; context++)
        put(context, "left over"); /* the leak checker looks at the rest */
    expect("one of them", 33, "left over");
    tls_tickets_free(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_tickets");
    TCase *c = tcase_create("tickets");
    tcase_add_checked_fixture(c, make, clear);
    tcase_add_test(c, b5_a_ticket_serves_once);
    tcase_add_test(c, b5_a_ticket_serves_no_other_context);
    tcase_add_test(c, the_newest_comes_first);
    tcase_add_test(c, holds_no_more_than_its_bound_for_each_context);
    tcase_add_test(c, a_store_of_none_keeps_none);
    tcase_add_test(c, b5_forgets_everything_and_goes_on);
    tcase_add_test(c, frees_what_nobody_took);
    suite_add_tcase(s, c);
    return s;
}
