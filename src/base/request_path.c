/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/request_path.h"

#include "mtlsd/base/text.h"

#include <string.h>

/* The byte that stands at s[i], percent encoding undone, and how many bytes it takes. Never called at the end. */
static uint8_t byte_at(struct span s, size_t i, size_t *width)
{
    *width = 1;
    if (s.ptr[i] != '%' || s.len - i < 3)
        return s.ptr[i];
    int high = text_hex_digit(s.ptr[i + 1]), low = text_hex_digit(s.ptr[i + 2]);
    if (high < 0 || low < 0)
        return '%';
    *width = 3;
    return (uint8_t)(high * 16 + low);
}

uint8_t request_path_byte(struct span path, size_t i, enum path_reading reading, size_t *width)
{
    uint8_t c = byte_at(path, i, width);
    while (reading == PATH_WIDE && c == '%') {
        size_t first = i + *width, n_high = 0, n_low = 0;
        int high = first < path.len ? text_hex_digit(byte_at(path, first, &n_high)) : -1;
        int low = high >= 0 && first + n_high < path.len ? text_hex_digit(byte_at(path, first + n_high, &n_low)) : -1;
        if (low < 0)
            break;
        *width += n_high + n_low;
        c = (uint8_t)(high * 16 + low);
    }
    return c;
}

/* Letters that mean nothing but themselves, which most are. */
static bool is_plain(uint8_t c)
{
    uint8_t low = c | 0x20;
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A segment's parameters end where the segment does. */
static size_t skip_segment(struct span path, size_t i)
{
    size_t width = 0;
    while (i < path.len && byte_at(path, i, &width) != '/')
        i += width;
    return i;
}

/* ---- as spelled ---- */

static size_t covered_as_spelled(struct span want, struct span path)
{
    size_t i = 0, p = 0, last = 0, want_width = 0, width = 0;
    uint8_t expected = 0;
    while (p < want.len) {
        if (i < path.len && want.ptr[p] == path.ptr[i] && is_plain(path.ptr[i])) {
            expected = path.ptr[i++];
            p++;
            continue;
        }
        expected = byte_at(want, p, &want_width);
        if (i < path.len && expected == '/' && byte_at(path, i, &width) == ';')
            i = skip_segment(path, i);
        if (i >= path.len || byte_at(path, i, &width) != expected)
            return SIZE_MAX;
        last = i;
        i += width;
        p += want_width;
    }
    if (expected == '/')
        return last;
    if (want.len == 0 || i >= path.len)
        return want.len == 0 ? SIZE_MAX : i;
    uint8_t next = byte_at(path, i, &width);
    if (next == ';')
        return skip_segment(path, i);
    return next == '/' ? i : SIZE_MAX;
}

/* ---- wide ---- */

enum {
    END = -1,
    CHARACTER_MAX = 4,
    TRIMMED_MAX = 64, /* no name has a longer run of dots: it counts as trimmed, so that looking ahead costs no more */
};

struct reader { /* of one path, a byte of its folded text at a time */
    struct span path;
    size_t i;               /* where the next byte is read */
    bool in_name;           /* a byte of this segment was read */
    size_t kept;            /* dots and blanks before this belong to the name */
    size_t slash;           /* where the last '/' stood */
    uint8_t text[CHARACTER_MAX]; /* of a character that became several bytes: what is still to be given */
    size_t n_text, at_text;
};

static uint8_t wide_byte(struct span path, size_t i, size_t *width)
{
    return request_path_byte(path, i, PATH_WIDE, width);
}

/* Characters that some case folding turns into ASCII: lower case, upper case or full folding of Unicode. */
static const struct {
    char from[CHARACTER_MAX], to[CHARACTER_MAX];
} folds[] = {
    {"\xc4\xb0", "i"},      {"\xc4\xb1", "i"},      {"\xc5\xbf", "s"},       {"\xc3\x9f", "ss"},      {"\xe1\xba\x9e", "ss"},
    {"\xe2\x84\xaa", "k"},  {"\xef\xac\x80", "ff"}, {"\xef\xac\x81", "fi"},  {"\xef\xac\x82", "fl"},  {"\xef\xac\x83", "ffi"},
    {"\xef\xac\x84", "ffl"}, {"\xef\xac\x85", "st"}, {"\xef\xac\x86", "st"},
};

/* Capitals of two bytes in UTF-8: Latin, Greek, Cyrillic, Armenian. Where every other one is a capital, its small letter is the next. */
static const struct {
    uint16_t first, last, every, to_small;
} capitals[] = {
    {0xc0, 0xd6, 1, 32},  {0xd8, 0xde, 1, 32},   {0x100, 0x136, 2, 1}, {0x139, 0x147, 2, 1},  {0x14a, 0x176, 2, 1}, {0x179, 0x17d, 2, 1}, {0x386, 0x386, 1, 38},
    {0x388, 0x38a, 1, 37}, {0x38c, 0x38c, 1, 64}, {0x38e, 0x38f, 1, 63}, {0x391, 0x3ab, 1, 32}, {0x400, 0x40f, 1, 80}, {0x410, 0x42f, 1, 32}, {0x460, 0x480, 2, 1},
    {0x48a, 0x4be, 2, 1}, {0x4d0, 0x52e, 2, 1},  {0x531, 0x556, 1, 48},
};

static unsigned lower_character(unsigned u)
{
    if (u == 0x178) /* its small letter is in Latin-1 */
        return 0xff;
    if (u == 0x3c2) /* a sigma at the end of a word has the capital of the other */
        return 0x3c3;
    for (size_t k = 0; k < sizeof(capitals) / sizeof(capitals[0]); k++)
        if (u >= capitals[k].first && u <= capitals[k].last && (u - capitals[k].first) % capitals[k].every == 0)
            return u + capitals[k].to_small;
    return u;
}

static void put_character(struct reader *r, unsigned u)
{
    u = lower_character(u);
    r->text[0] = (uint8_t)(0xc0 | u >> 6);
    r->text[1] = (uint8_t)(0x80 | (u & 0x3f));
    r->n_text = 2;
}

/* Appends what a character is folded to, to r->text. */
static void fold(struct reader *r, const uint8_t *c, size_t n)
{
    for (size_t k = 0; k < sizeof(folds) / sizeof(folds[0]); k++) {
        if (strlen(folds[k].from) != n || memcmp(folds[k].from, c, n) != 0)
            continue;
        r->n_text = strlen(folds[k].to);
        memcpy(r->text, folds[k].to, r->n_text);
        return;
    }
    if (n == 2) {
        put_character(r, (unsigned)(c[0] & 0x1f) << 6 | (c[1] & 0x3f));
        return;
    }
    memcpy(r->text, c, n);
    r->n_text = n;
}

/* Reads the character that begins at r->i into r->text. A letter that is not UTF-8 is Latin-1, as IIS and older servlet containers have it. */
static void read_character(struct reader *r)
{
    size_t width = 0, n = 1;
    uint8_t c[CHARACTER_MAX] = {wide_byte(r->path, r->i, &width)};
    size_t wanted = c[0] < 0xc2 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 1, i = r->i + width;
    r->i = i;
    for (; n < wanted; n++, i += width) {
        c[n] = i < r->path.len ? wide_byte(r->path, i, &width) : 0;
        if (c[n] < 0x80 || c[n] >= 0xc0)
            break;
    }
    if (wanted > 1 && n == wanted) {
        r->i = i;
        fold(r, c, n);
    } else if (c[0] >= 0xc0) {
        put_character(r, c[0]);
    } else {
        r->text[0] = span_lower(c[0]);
        r->n_text = 1;
    }
}

static bool is_blank(uint8_t c)
{
    return c <= 0x20 || c == 0x7f;
}

static bool is_slash(uint8_t c)
{
    return c == '/' || c == '\\';
}

/* Only encoded ones reach this: for a reader that decodes them and reads again, the path ends here. */
static bool ends_path(uint8_t c)
{
    return c == '?' || c == '#';
}

/* "::$DATA", ":$i30:$INDEX_ALLOCATION" and their kin. */
static bool is_stream(struct span path, size_t i)
{
    size_t width = 0;
    if (i >= path.len || wide_byte(path, i, &width) != ':' || i + width >= path.len)
        return false;
    uint8_t next = wide_byte(path, i + width, &width);
    return next == ':' || next == '$';
}

/* Dots and blanks with nothing of the name behind them; a segment of nothing else is a name. */
static bool ends_in_dots(struct reader *r)
{
    size_t width = 0, i = r->i, n = 0;
    if (!r->in_name || i < r->kept)
        return false;
    for (; i < r->path.len && n < TRIMMED_MAX; i += width, n++) {
        uint8_t c = wide_byte(r->path, i, &width);
        if (c != '.' && !is_blank(c))
            break;
    }
    r->kept = i;
    uint8_t next = i < r->path.len ? wide_byte(r->path, i, &width) : '/';
    return n > 0 && (n == TRIMMED_MAX || next == ';' || is_slash(next) || ends_path(next) || is_stream(r->path, i));
}

/* To where the segment ends. */
static void skip_rest(struct reader *r)
{
    for (size_t width = 0; r->i < r->path.len; r->i += width) {
        uint8_t c = wide_byte(r->path, r->i, &width);
        if (is_slash(c) || ends_path(c))
            return;
    }
}

/* Several are one: the ones behind the first are encoded. */
static int read_slash(struct reader *r)
{
    size_t width = 0;
    r->slash = r->i;
    r->in_name = false;
    for (; r->i < r->path.len; r->i += width) {
        uint8_t c = wide_byte(r->path, r->i, &width);
        if (!is_slash(c) && !is_blank(c))
            break;
    }
    return '/';
}

/* The next byte of the folded text, or END. */
static int next_byte(struct reader *r)
{
    size_t width = 0;
    if (r->at_text < r->n_text)
        return r->text[r->at_text++];
    if (r->i < r->path.len && is_plain(r->path.ptr[r->i])) {
        r->in_name = true;
        return span_lower(r->path.ptr[r->i++]);
    }
    if (r->i < r->path.len && (wide_byte(r->path, r->i, &width) == ';' || is_stream(r->path, r->i) || ends_in_dots(r)))
        skip_rest(r);
    uint8_t c = r->i < r->path.len ? wide_byte(r->path, r->i, &width) : '?';
    if (ends_path(c))
        return END;
    if (is_slash(c))
        return read_slash(r);
    r->in_name = true;
    read_character(r);
    r->at_text = 1;
    return r->text[0];
}

/* Both begin alike so far, in letters that need no reading: where that ends, which is not behind a slash. False: they differ. Most rules of a long list differ. */
static bool pass_equal_letters(struct span want, struct span path, size_t *at)
{
    size_t i = 0, n = want.len < path.len ? want.len : path.len;
    for (; i < n; i++) {
        uint8_t a = want.ptr[i], b = path.ptr[i];
        if (!(is_plain(a) || a == '/') || !(is_plain(b) || b == '/'))
            break;
        if (a == b || span_lower(a) == span_lower(b))
            continue;
        if (i > 0 && path.ptr[i - 1] == '/' && (a == '/' || b == '/'))
            break; /* several slashes are one: the readers know */
        return false;
    }
    *at = i > 0 && path.ptr[i - 1] == '/' ? i - 1 : i;
    return true;
}

static size_t covered_wide(struct span want, struct span path)
{
    size_t at = 0;
    if (!pass_equal_letters(want, path, &at))
        return SIZE_MAX;
    struct reader rule = {.path = want, .i = at, .in_name = at > 0}, asked = {.path = path, .i = at, .in_name = at > 0};
    int before = at > 0 ? span_lower(path.ptr[at - 1]) : END;
    int wanted = next_byte(&rule), seen = next_byte(&asked);
    while (wanted != END && wanted == seen) {
        before = wanted;
        wanted = next_byte(&rule);
        seen = next_byte(&asked);
    }
    if (before == END)
        return SIZE_MAX;
    if (wanted == '/' && seen == END) /* the rule says "/admin/", the request "/admin" */
        return next_byte(&rule) == END ? path.len : SIZE_MAX;
    if (wanted != END)
        return SIZE_MAX;
    if (before == '/' || seen == '/')
        return asked.slash;
    return seen == END ? path.len : SIZE_MAX;
}

size_t request_path_covered(const char *prefix, struct span path, enum path_reading reading)
{
    struct span want = span_from_str(prefix);
    return reading == PATH_AS_SPELLED ? covered_as_spelled(want, path) : covered_wide(want, path);
}

/* ---- beginnings ---- */

/* *slash: the text was read to its end, which is a '/'. */
static size_t hash_beginnings(struct span path, uint64_t out[PATH_BEGINNINGS], bool *slash)
{
    struct reader r = {.path = path};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t n = 0;
    int before = END, c = next_byte(&r);
    for (; c != END && n < PATH_BEGINNINGS; before = c, c = next_byte(&r)) {
        if (c == '/' && before != END)
            out[n++] = hash | 1; /* never 0 */
        hash = (hash ^ (unsigned)c) * UINT64_C(0x100000001b3);
    }
    *slash = false;
    if (before != END && n < PATH_BEGINNINGS) {
        *slash = before == '/';
        out[n++] = hash | 1;
    }
    return n;
}

size_t request_path_beginnings(struct span path, uint64_t out[PATH_BEGINNINGS])
{
    bool slash;
    return hash_beginnings(path, out, &slash);
}

/* A rule covers what is below it whether it ends with a '/' or not. A path that is longer than the numbers go is found by its beginning. */
uint64_t request_path_rule_beginning(const char *prefix)
{
    uint64_t all[PATH_BEGINNINGS];
    bool slash;
    size_t n = hash_beginnings(span_from_str(prefix), all, &slash);
    n -= slash;
    return n > 0 ? all[n - 1] : 0;
}
