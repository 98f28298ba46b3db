/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that any program can have written. */
#include "mtlsd/control/registry_row.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct tls_registry_row row;
static struct err err;

static void let_go(void)
{
    tls_registry_text_unref(row.text);
    row.text = NULL;
}

static enum registry_row_result read_it(const char *sha256, const char *kind, const char *state, const char *attributes)
{
    const struct registry_row_columns columns = {.sha256 = span_from_str(sha256), .kind = span_from_str(kind), .state = span_from_str(state),
                                                 .owner = span_from_str("billing"), .attributes = span_from_str(attributes)};
    let_go();
    err = (struct err){0};
    return registry_row_read(&columns, &row, &err);
}

START_TEST(a_row_is_understood)
{
    ck_assert_int_eq(read_it(HEX, "certificate", "active", "{\"role\": \"ops\", \"level\": 3, \"on\": true}"), REGISTRY_ROW_FINE);
    ck_assert(row.state == TLS_REGISTRY_ACTIVE && !row.by_key && row.id[1] == 0x11 && row.id[31] == 0xff);
    ck_assert(span_equals_str(tls_registry_text_get(row.text, "owner"), "billing"));
    ck_assert(span_equals_str(tls_registry_text_get(row.text, "role"), "ops"));
    ck_assert(span_equals_str(tls_registry_text_get(row.text, "level"), "3"));
    ck_assert(span_equals_str(tls_registry_text_get(row.text, "on"), "true"));
    ck_assert_int_eq(read_it(HEX, "key", "revoked", NULL), REGISTRY_ROW_FINE);
    ck_assert(row.state == TLS_REGISTRY_REVOKED && row.by_key);
    let_go();
}
END_TEST

START_TEST(a_row_that_is_not_understood_is_refused)
{
    static const struct {
        const char *kind, *state, *attributes, *says;
    } cases[] = {
        {"certificate", "Active", NULL, "state is \"Active\""},
        {"certificate", "", NULL, "state is \"\""},
        {"certificate", "1", NULL, "it must be active, suspended or revoked"},
        {"cert", "active", NULL, "kind is \"cert\""},
        {NULL, "active", NULL, "kind is \"\""},
        {"certificate", "active", "role=ops", "no JSON object"},
        {"certificate", "active", "[1]", "no JSON object"},
        {"certificate", "active", "{\"a\": \"1\", \"a\": \"2\"}", "no JSON object"},
        {"certificate", "active", "{\"role\": null}", "neither a text nor"},
        {"certificate", "active", "{\"role\": {\"a\": 1}}", "neither a text nor"},
        {"certificate", "active", "{\"role\": 1.5}", "neither a text nor"},
        {"certificate", "active", "{\"a b\": \"x\"}", "has no valid name"},
        {"certificate", "active", "{\"\": \"x\"}", "has no valid name"},
        {"certificate", "active", "{\"owner\": \"x\"}", "has no valid name"},
        {"certificate", "active", "{\"role\": \"a\\r\\nb\"}", "holds a control character"},
        {"certificate", "active", "{\"role\": \"a\\u0000b\"}", "no JSON object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(read_it(HEX, cases[i].kind, cases[i].state, cases[i].attributes) == REGISTRY_ROW_INVALID, "case %zu", i);
        ck_assert_msg(row.state == TLS_REGISTRY_INVALID && row.text == NULL, "case %zu", i);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "case %zu: %s", i, err.text);
    }
}
END_TEST

START_TEST(a_row_without_an_id_is_told_apart)
{
    static const char *const ids[] = {NULL, "", "0011", HEX "00", "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", ":" HEX};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        ck_assert_msg(read_it(ids[i], "certificate", "active", NULL) == REGISTRY_ROW_NAMELESS, "case %zu", i);
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    ck_assert_int_eq(registry_row_id(span_from_str("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"), id), 0);
    ck_assert_uint_eq(id[10], 0xaa);
}
END_TEST

START_TEST(texts_have_a_size)
{
    static char large[33 * 1024];
    const size_t sizes[] = {16 * 1024 - 200, 32 * 1024};
    for (size_t i = 0; i < 2; i++) {
        snprintf(large, sizeof(large), "{\"a\": \"%0*d\"}", (int)sizes[i], 0);
        ck_assert_int_eq(read_it(HEX, "certificate", "active", large), i == 0 ? REGISTRY_ROW_FINE : REGISTRY_ROW_INVALID);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "more than 16384 bytes"));
    size_t n = 1;
    large[0] = '{';
    for (unsigned i = 0; i < 70; i++)
        n += (size_t)snprintf(large + n, sizeof(large) - n, "%s\"a%u\": \"\"", i > 0 ? ", " : "", i);
    snprintf(large + n, sizeof(large) - n, "}");
    ck_assert_int_eq(read_it(HEX, "certificate", "active", large), REGISTRY_ROW_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 64 attributes"));
}
END_TEST

START_TEST(attributes_come_and_go)
{
    char *one = registry_row_with_attribute(NULL, "role", "ops", &err), *two = registry_row_with_attribute(one, "level", "3", &err);
    ck_assert_str_eq(two, "{\"level\":\"3\",\"role\":\"ops\"}");
    char *three = registry_row_with_attribute(two, "level", NULL, &err);
    ck_assert_str_eq(three, "{\"role\":\"ops\"}");
    ck_assert_ptr_null(registry_row_with_attribute(NULL, "owner", "x", &err));
    ck_assert_ptr_null(registry_row_with_attribute("broken", "role", "x", &err));
    free(one);
    free(two);
    free(three);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("registry_row");
    TCase *tc = tcase_create("row");
    tcase_add_test(tc, a_row_is_understood);
    tcase_add_test(tc, a_row_that_is_not_understood_is_refused);
    tcase_add_test(tc, a_row_without_an_id_is_told_apart);
    tcase_add_test(tc, texts_have_a_size);
    tcase_add_test(tc, attributes_come_and_go);
    suite_add_tcase(s, tc);
    return s;
}
