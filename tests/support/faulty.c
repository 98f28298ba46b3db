/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one fault that a sanitizer must find, by its name. Volatile values keep the compiler from finding it first. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero = 0, one = 1, largest = INT_MAX;
static volatile int result;
static char *volatile bytes;

static void signed_overflow(void)
{
    result = largest + one;
}

static void division_by_zero(void)
{
    result = one / zero;
}

static void long_shift(void)
{
    result = one << (32 + zero);
}

static void index_out_of_bounds(void)
{
    int four[4] = {1, 2, 3, 4};
    result = four[4 + zero];
}

static void misaligned_store(void)
{
    void *odd = bytes + 1;
    *(int *)odd = one;
}

static void null_argument(void)
{
    char *volatile nothing = NULL;
    memcpy(nothing, bytes, (size_t)zero);
}

static void null_load(void)
{
    int *volatile nothing = NULL;
    result = *nothing;
}

static void bool_of_two(void)
{
    bool neither;
    memset(&neither, 2 * one, sizeof neither);
    result = neither;
}

static void pointer_overflow(void)
{
    char *volatile last = (char *)UINTPTR_MAX;
    bytes = last + 16 * one;
}

static void heap_overflow(void)
{
    result = bytes[16 + zero];
}

static void use_after_free(void)
{
    free(bytes);
    result = bytes[zero];
}

static void stack_overflow(void)
{
    char four[4] = "abc";
    char *volatile at = four;
    result = at[4 + zero];
}

static void leak(void)
{
    bytes = NULL;
}

static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
    {"signed_overflow", signed_overflow}, {"division_by_zero", division_by_zero}, {"long_shift", long_shift},
    {"index_out_of_bounds", index_out_of_bounds}, {"misaligned_store", misaligned_store}, {"null_argument", null_argument},
    {"null_load", null_load}, {"bool_of_two", bool_of_two}, {"pointer_overflow", pointer_overflow},
    {"heap_overflow", heap_overflow}, {"use_after_free", use_after_free}, {"stack_overflow", stack_overflow}, {"leak", leak},
};

/* usage: faulty [NAME]     without a name: no fault */
int main(int argc, char **argv)
{
    bytes = calloc(1, 16);
    for (size_t i = 0; argc > 1 && i < sizeof faults / sizeof faults[0]; i++) {
        if (strcmp(argv[1], faults[i].name) == 0)
            faults[i].make();
    }
    free(bytes);
    return 0;
}
