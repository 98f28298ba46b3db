/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check_respond.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STATUS_OK = 200, NO_CONTENT = 204, RESET_CONTENT = 205 };

/* ---- types ---- */

static const char *type_of_file(const char *file)
{
    static const struct {
        const char *end, *type;
    } rows[] = {{".html", "text/html"}, {".htm", "text/html"},       {".txt", "text/plain"},    {".json", "application/json"}, {".css", "text/css"},
                {".js", "text/javascript"}, {".svg", "image/svg+xml"}, {".png", "image/png"}, {".ico", "image/x-icon"}};
    const char *end = strrchr(file, '.');
    for (size_t i = 0; end != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcasecmp(end, rows[i].end) == 0)
            return rows[i].type;
    return NULL;
}

/* The name of a type, without parameters. */
static size_t name_length(const char *type)
{
    return strcspn(type, "; ");
}

static bool is_type(const char *type, const char *name)
{
    size_t n = name_length(type);
    return n == strlen(name) && strncasecmp(type, name, n) == 0;
}

enum config_text_kind config_text_kind(const char *type)
{
    size_t n = name_length(type);
    if (is_type(type, "text/html"))
        return CONFIG_TEXT_HTML;
    if (is_type(type, "text/plain"))
        return CONFIG_TEXT_PLAIN;
    bool json = is_type(type, "application/json") || (n > 5 && strncasecmp(type + n - 5, "+json", 5) == 0);
    return json ? CONFIG_TEXT_JSON : CONFIG_TEXT_AS_IT_IS;
}

/* "type/subtype", perhaps with parameters, RFC 9110 section 8.3.1. */
static bool is_media_type(const char *type)
{
    size_t slashes = 0, n = name_length(type);
    for (size_t i = 0; i < n; i++)
        if (type[i] == '/')
            slashes++;
        else if (!isalnum((unsigned char)type[i]) && strchr("!#$&^_.+-", type[i]) == NULL)
            return false;
    for (const char *p = type + n; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return slashes == 1 && type[0] != '/' && type[n - 1] != '/';
}

/* ---- the whole ---- */

void config_complete_respond(const struct config_reader *r, struct config_route *route)
{
    const char *file = route->respond_file;
    if (file == NULL && route->respond_body == NULL)
        return;
    if (route->respond == 0)
        route->respond = STATUS_OK;
    if (route->respond_type != NULL)
        return;
    const char *type = file == NULL ? "text/plain" : type_of_file(file);
    if (type != NULL && (route->respond_type = strdup(type)) == NULL)
        r->findings->out_of_memory = 1;
}

void config_check_respond(const struct config_text_place *p, const struct config_route *route, const config_setting_t *group)
{
    const config_setting_t *at = config_read_at(group, "respond", NULL, NULL);
    bool has_text = route->respond_body != NULL || route->respond_file != NULL;
    if (route->respond == 0 && config_read_given(group, "respond", NULL))
        config_read_complain(p->r, FINDING_ERROR, at, "it says nothing: give status, body or file");
    if (route->respond_body != NULL && route->respond_file != NULL)
        config_read_complain(p->r, FINDING_ERROR, at, "give body or file, not both");
    if (has_text && (route->respond == NO_CONTENT || route->respond == RESET_CONTENT))
        config_read_complain(p->r, FINDING_ERROR, at, "an answer with status %u has no text", route->respond);
    if (!has_text && route->respond_type != NULL)
        config_read_complain(p->r, FINDING_WARNING, config_read_at(group, "respond", "type", NULL), "has no effect: there is no body or file");
    else if (has_text && route->respond_type == NULL)
        config_read_complain(p->r, FINDING_ERROR, at, "the end of the file's name tells no type: give type, as in type = \"text/html\"");
    else if (has_text && !is_media_type(route->respond_type))
        config_read_complain(p->r, FINDING_ERROR, config_read_at(group, "respond", "type", NULL), "\"%.80s\" is no media type: write one as in \"text/html\"",
                             route->respond_type);
    else if (route->respond_body != NULL && config_text_kind(route->respond_type) != CONFIG_TEXT_AS_IT_IS)
        config_check_text(p, route->respond_body);
}
