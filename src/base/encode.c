/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/encode.h"

#include "mtlsd/base/text.h"

#include <string.h>

static void put_percent(struct bytes *out, uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[3] = {'%', digits[c >> 4], digits[c & 15]};
    bytes_append(out, text, sizeof(text));
}

static bool is_printable(uint8_t c)
{
    return c >= 0x20 && c < 0x7f;
}

static bool is_alphanumeric(uint8_t c)
{
    uint8_t letter = c | 0x20;
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');
}

static int encode_value(struct bytes *out, struct span s, const char *marks, bool percent)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool outer_space = c == ' ' && (i == 0 || i + 1 == s.len);
        bool stays = is_printable(c) && !outer_space && (c != '%' || !percent) && strchr(marks, c) == NULL;
        stays ? (void)bytes_append(out, &c, 1) : put_percent(out, c);
    }
    return out->failed ? -1 : 0;
}

int encode_field(struct bytes *out, struct span s, const char *marks)
{
    return encode_value(out, s, marks, true);
}

int encode_field_again(struct bytes *out, struct span s, const char *marks)
{
    return encode_value(out, s, marks, false);
}

int encode_component(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool stays = is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
        stays ? (void)bytes_append(out, &c, 1) : put_percent(out, c);
    }
    return out->failed ? -1 : 0;
}

int encode_target(struct bytes *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool stays = is_printable(c) && strchr(" \"#<>\\^`{|}", c) == NULL;
        stays ? (void)bytes_append(out, &c, 1) : put_percent(out, c);
    }
    return out->failed ? -1 : 0;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

int encode_html(struct bytes *out, struct span s)
{
    size_t taken;
    for (; s.len > 0; s = span_skip(s, taken)) {
        uint8_t c = s.ptr[0];
        uint32_t point = text_next_character(s, &taken);
        if (is_alphanumeric(c) || (c != '\0' && strchr(" \n-._", c) != NULL))
            bytes_append(out, &c, 1);
        else
            bytes_printf(out, "&#x%X;", is_control(point) ? 0xfffdU : (unsigned)point);
    }
    return out->failed ? -1 : 0;
}

int encode_plain(struct bytes *out, struct span s)
{
    size_t taken;
    for (; s.len > 0; s = span_skip(s, taken)) {
        uint32_t point = text_next_character(s, &taken);
        bool no_text = taken == 1 && point > 0x7f; /* a byte that begins no character */
        if (point == '\n' || !(no_text || is_control(point)))
            bytes_append(out, s.ptr, taken);
        else
            for (size_t i = 0; i < taken; i++)
                put_percent(out, s.ptr[i]);
    }
    return out->failed ? -1 : 0;
}
