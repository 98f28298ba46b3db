/* SPDX-License-Identifier: Apache-2.0 */
#include "config_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* nginx puts "~ ", "~* ", "^~ " or "= " in front of a path, regular expressions begin with '^'. */
static const char *behind_marks(const char *path)
{
    return path + strspn(path, "~*=^ ");
}

/* Where a placeholder of a web framework begins: "{id}" or "<id>" anywhere, ":id" at the begin of a segment. */
static const char *find_placeholder(const char *path)
{
    const char *brace = strpbrk(path, "{<"), *colon = strstr(path, "/:");
    if (colon != NULL && colon[2] != '\0' && colon[2] != '/' && (brace == NULL || colon + 1 < brace))
        return colon + 1;
    return brace;
}

/* A backslash that takes its meaning from a byte, or gives it one; any other is a mistake of another kind. */
static const char *find_escape(const char *path)
{
    const char *escape = strchr(path, '\\');
    return escape != NULL && escape[1] != '\0' && strchr("./wd$", escape[1]) != NULL ? escape : NULL;
}

/* The first byte that only a pattern has; the end when there is none. "." is of every path, so it counts only before a star. */
static const char *find_pattern(const char *path)
{
    const char *special = path + strcspn(path, "*^("), *placeholder = find_placeholder(path), *escape = find_escape(path);
    size_t n = strlen(path);
    if (escape != NULL && escape < special)
        special = escape;
    if (n > 0 && path[n - 1] == '$' && special > path + n - 1)
        special = path + n - 1;
    if (placeholder != NULL && placeholder < special)
        special = placeholder;
    if (special > path && special[0] == '*' && special[-1] == '.')
        special--;
    return special;
}

/* Nothing but more of a pattern follows, so that what stands before it is all that was meant. */
static bool is_all_pattern(const char *rest)
{
    if (rest[0] == '{' || rest[0] == '<' || rest[0] == ':')
        return strchr(rest, '/') == NULL;
    return rest[strspn(rest, "*.()$?+/|^\\")] == '\0';
}

bool config_pattern_is_path(const char *path, char out[CONFIG_PATTERN_TEXT])
{
    static const char plain[] = "a path has no patterns: it matches itself and everything below";
    const char *begin = behind_marks(path), *end = find_pattern(begin);
    if (begin == path && *end == '\0')
        return false;
    size_t n = (size_t)(end - begin);
    while (n > 0 && begin[n - 1] == '/')
        n--;
    if (begin[0] == '/' && n == 0 && is_all_pattern(end))
        snprintf(out, CONFIG_PATTERN_TEXT, "%s; this would match every path: leave path out", plain);
    else if (begin[0] == '/' && n > 0 && is_all_pattern(end))
        snprintf(out, CONFIG_PATTERN_TEXT, "%s; write \"%.*s\"", plain, n > 80 ? 80 : (int)n, begin);
    else
        snprintf(out, CONFIG_PATTERN_TEXT, "%s, segment by segment; write how it begins, as in \"%s%.*s\"%s", plain, begin[0] == '/' && n > 0 ? "" : "/api",
                 begin[0] != '/' ? 0 : n > 80 ? 80 : (int)n, begin, *end == '*' && begin[0] == '/' ? " (a real * is written %2A)" : "");
    return true;
}

bool config_pattern_is_method(const char *method, char out[CONFIG_PATTERN_TEXT])
{
    size_t n = strcspn(method, "|, ");
    if (strcmp(method, "*") == 0 || strcasecmp(method, "any") == 0 || strcasecmp(method, "all") == 0)
        snprintf(out, CONFIG_PATTERN_TEXT, "without the key every method matches: leave it out");
    else if (n > 0 && method[n] != '\0' && method[n + 1] != '/')
        snprintf(out, CONFIG_PATTERN_TEXT, "several methods are a list, as in method = [ \"GET\", \"HEAD\" ]");
    else
        return false;
    return true;
}
