/* SPDX-License-Identifier: Apache-2.0 */
#include "config_sample.h"

#include "config/config_options.h"

#include <stdio.h>
#include <string.h>

enum { GROUP_NAME_MAX = 64, HELP_COLUMN = 100 };

static const char heading[] =
    "# Every key of mtlsd, with its default or an example. Lines with a # in front are not in effect.\n"
    "# The rest is an injector: an app sends plaintext to 127.0.0.1:8080, and mtlsd presents the client "
    "certificate.\n"
    "# Relative paths are relative to this file. Durations: ms s m h d. Sizes: KiB MiB GiB. @include "
    "\"FILE\" works.\n";

/* Keys that the injector of the sample needs though nothing requires them. */
static bool is_live(const struct config_option *o)
{
    static const char *const live[][2] = {
        {"identity", "bundle"}, {"trust", "ca"}, {"upstream", "tls"}, {"upstream.tls", "identity"}, {"upstream.tls", "trust"}, {"listener", "upstream"}};
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        if (strcmp(o->group, live[i][0]) == 0 && strcmp(o->key, live[i][1]) == 0)
            return true;
    return o->required;
}

static bool is_quoted(const struct config_option *o)
{
    return strcmp(o->type, "number") != 0 && strcmp(o->type, "bool") != 0 && strcmp(o->type, "choice") != 0;
}

static const char *margin(int indent)
{
    static const char blanks[] = "                ";
    return blanks + sizeof(blanks) - 1 - (size_t)indent;
}

/* Not a list of words that can stand there: the words beside any name or a group, and the help has them. */
static bool hides_bounds(const struct config_option *o)
{
    return o->bounds[0] == '\0' || strcmp(o->type, "path") == 0 || strcmp(o->type, "host") == 0 || strcmp(o->type, "sticky") == 0;
}

static int write_help(struct bytes *out, const char *before, const struct config_option *o)
{
    const char *text = o->help;
    while (*text != '\0') {
        size_t n = strlen(text);
        if (n > HELP_COLUMN) {
            n = HELP_COLUMN;
            while (n > 0 && text[n] != ' ')
                n--;
        }
        if (bytes_printf(out, "%s# %.*s\n", before, (int)n, text) != 0)
            return -1;
        text += n + (text[n] == ' ' ? 1 : 0);
    }
    return hides_bounds(o) ? 0 : bytes_printf(out, "%s# Values: %s\n", before, o->bounds);
}

static int write_value(struct bytes *out, const char *before, const struct config_option *o)
{
    const char *quote = o->fallback[0] != '\0' && is_quoted(o) ? "\"" : "";
    return bytes_printf(out, "%s%s = %s%s%s;\n", before, o->key, quote, o->fallback[0] != '\0' ? o->fallback : o->example, quote);
}

static const struct config_option *next_of(const char *group, size_t *i)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    while (*i < n && strcmp(options[*i].group, group) != 0)
        ++*i;
    return *i < n ? &options[(*i)++] : NULL;
}

static int write_keys(struct bytes *out, const char *group, int indent, bool off);

/* A group inside a named one, as tls in an upstream. */
static int write_inner(struct bytes *out, int indent, bool off, const struct config_option *o)
{
    char inner[GROUP_NAME_MAX];
    snprintf(inner, sizeof(inner), "%s%s%s", o->group, o->group[0] != '\0' ? "." : "", o->key);
    const char *hash = off ? "# " : "";
    if (bytes_printf(out, "%*s%s%s = {\n", indent, "", hash, o->key) != 0 ||
        write_keys(out, inner, indent + 2, off) != 0)
        return -1;
    return bytes_printf(out, "%*s%s};\n", indent, "", hash);
}

static int write_keys(struct bytes *out, const char *group, int indent, bool off)
{
    const struct config_option *o;
    bool first = true;
    for (size_t i = 0; (o = next_of(group, &i)) != NULL;) {
        if (strcmp(o->type, "groups") == 0)
            continue;
        if (bytes_append_str(out, first ? "" : "\n") != 0 || write_help(out, margin(indent), o) != 0)
            return -1;
        first = false;
        bool dead = off || !is_live(o);
        if (config_options_holds_keys(o) ? write_inner(out, indent, dead, o) != 0
                                         : bytes_append_str(out, margin(indent)) != 0 || write_value(out, dead ? "# " : "", o) != 0)
            return -1;
    }
    return 0;
}

/* A named group with one example in it. */
static int write_named(struct bytes *out, const char *key, const char *group, const char *name)
{
    size_t i = 0;
    const struct config_option *o = next_of("", &i);
    while (strcmp(o->key, key) != 0)
        o = next_of("", &i);
    if (bytes_append_str(out, "\n") != 0 || write_help(out, "", o) != 0)
        return -1;
    if (bytes_printf(out, "%s = {\n  %s = {\n", key, name) != 0 || write_keys(out, group, 4, false) != 0)
        return -1;
    return bytes_append_str(out, "  };\n};\n");
}

/* The keys of a list's element: none of it is in effect. */
static int write_element(struct bytes *out, const char *group, const char *about)
{
    const struct config_option *o;
    if (bytes_printf(out, "\n# %s\n", about) != 0)
        return -1;
    for (size_t i = 0; (o = next_of(group, &i)) != NULL;) {
        if (write_help(out, "#   ", o) != 0 || write_value(out, "#   ", o) != 0)
            return -1;
    }
    return 0;
}

int config_sample(struct bytes *out)
{
    if (bytes_append_str(out, heading) != 0 || bytes_append_str(out, "\n") != 0 ||
        write_keys(out, "", 0, false) != 0)
        return -1;
    if (write_named(out, "identities", "identity", "payments") != 0 ||
        write_named(out, "trusts", "trust", "partner") != 0)
        return -1;
    if (write_named(out, "upstreams", "upstream", "partner") != 0 ||
        write_named(out, "listeners", "listener", "app") != 0)
        return -1;
    if (write_element(out, "registry", "A registry, a database of certificates: registries = { partners = { database = ...; }; };") != 0 ||
        write_element(out, "named_log", "A log beside the main one: logs = { NAME = { ... }; };") != 0 ||
        write_element(out, "target", "A target with more than an address: targets = ( { address = ...; }, ... );") != 0 ||
        write_element(out, "route", "A route of a listener: routes = ( { host = ...; upstream = ...; }, ... );") != 0 ||
        write_element(out, "sni", "An identity by server name: identities = ( { hosts = ...; identity = ...; }, ... );") != 0)
        return -1;
    return write_element(out, "allow", "A rule: allow = ( { ou = ...; }, ... ); * matches any text inside one label or segment, "
                                       "** any text.");
}
