/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int parse_unix(const char *path, struct address *out, struct err *err)
{
    size_t n = strlen(path);
    if (n == 0)
        return err_set(err, ERR_CONFIG, "\"unix:\" needs a path, as in \"unix:/run/mtlsd/app.sock\"");
    if (path[0] == '@')
        return err_set(err, ERR_CONFIG,
                       "\"unix:%.100s\" is an abstract socket, which no file permission protects: use a path",
                       path);
    if (n >= sizeof(out->path))
        return err_set(err, ERR_CONFIG, "\"unix:%.100s...\" is too long: the system takes %zu bytes of path",
                       path, sizeof(out->path) - 1);
    out->kind = ADDRESS_UNIX;
    memcpy(out->path, path, n + 1);
    return 0;
}

static int parse_systemd(const char *name, struct address *out, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@";
    size_t n = strlen(name);
    if (n == 0 || n >= sizeof(out->path) || name[strspn(name, allowed)] != '\0')
        return err_set(err, ERR_CONFIG, "\"systemd:%.120s\" needs the name of a socket, letters, digits and \"-._@\", as in \"systemd:web\" (FileDescriptorName= of its unit)",
                       name);
    out->kind = ADDRESS_SYSTEMD;
    memcpy(out->path, name, n + 1);
    return 0;
}

static int parse_port(const char *text, const char *digits, struct address *out, struct err *err)
{
    unsigned port = 0;
    size_t n = strlen(digits);
    for (size_t i = 0; i < n && i < 6 && digits[i] >= '0' && digits[i] <= '9'; i++)
        port = port * 10 + (unsigned)(digits[i] - '0');
    if (n == 0 || n > 5 || digits[strspn(digits, "0123456789")] != '\0' || port > 65535)
        return err_set(err, ERR_CONFIG, "\"%.200s\": the port must be a number up to 65535", text);
    out->port = (uint16_t)port;
    return 0;
}

/* getaddrinfo reads "127.1", "0x7f.1" and "2130706433" as addresses; a check that reads them as names would
 * be fooled. */
static bool looks_like_a_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot != NULL ? dot + 1 : host;
    if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
        return true;
    return last[0] != '\0' && last[strspn(last, "0123456789")] == '\0';
}

static bool is_v4(const char *host)
{
    struct in_addr v4;
    return inet_pton(AF_INET, host, &v4) == 1;
}

static bool is_v6(const char *host)
{
    struct in6_addr v6;
    return inet_pton(AF_INET6, host, &v6) == 1;
}

static int check_host(const char *text, const char *host, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    if (host[0] == '\0' || is_v4(host))
        return 0;
    if (strcmp(host, "*") == 0)
        return err_set(err, ERR_CONFIG, "\"%.200s\": for every interface leave the host out, as in \":8443\"",
                       text);
    if (host[strspn(host, allowed)] != '\0' || host[0] == '.' || host[0] == '-' || strstr(host, "..") != NULL)
        return err_set(err, ERR_CONFIG, "\"%.200s\": \"%.200s\" is not a host name or address", text, host);
    if (looks_like_a_number(host))
        return err_set(err, ERR_CONFIG, "\"%.200s\": \"%.200s\" is not a complete IPv4 address", text, host);
    return 0;
}

static int parse_bracketed(const char *text, struct address *out, struct err *err)
{
    const char *end = strchr(text, ']');
    size_t n = end != NULL ? (size_t)(end - text - 1) : 0;
    if (n >= sizeof(out->host))
        n = 0;
    memcpy(out->host, text + 1, n);
    out->host[n] = '\0';
    if (end == NULL || !is_v6(out->host))
        return err_set(err, ERR_CONFIG, "\"%.200s\": an IPv6 address is written as in \"[::1]:8080\"", text);
    if (end[1] != ':')
        return err_set(err, ERR_CONFIG,
                       "\"%.200s\" has no port: write it after the bracket, as in \"[::1]:8080\"", text);
    return parse_port(text, end + 2, out, err);
}

/* "api.example:443" of "https://api.example/path". */
static int refuse_url(const char *text, struct err *err)
{
    const char *host = strstr(text, "://") + 3;
    size_t n = strcspn(host, "/?#");
    bool has_port = memchr(host, ':', n) != NULL && host[n - 1] != ']', plain = strncmp(text, "http:", 5) == 0, tls = strncmp(text, "https:", 6) == 0;
    if (n == 0 || n > 100 || !(has_port || plain || tls))
        return err_set(err, ERR_CONFIG, "\"%.200s\" is a URL: write \"host:port\" alone", text);
    return err_set(err, ERR_CONFIG, "\"%.200s\" is a URL: write \"%.*s%s\" alone", text, (int)n, host, has_port ? "" : plain ? ":80" : ":443");
}

static int parse_host_port(const char *text, struct address *out, struct err *err)
{
    const char *colon = strrchr(text, ':');
    if (text[strspn(text, "0123456789")] == '\0')
        return err_set(err, ERR_CONFIG, "\"%.200s\" is a port alone: write \"127.0.0.1:%.200s\", or to listen on every interface \":%.200s\"", text, text,
                       text);
    if (colon == NULL)
        return err_set(err, ERR_CONFIG, "\"%.200s\" has no port: write \"%.200s:PORT\"", text, text);
    if (strchr(text, ':') != colon)
        return err_set(err, ERR_CONFIG, "\"%.200s\": an IPv6 address needs brackets, as in \"[::1]:8080\"",
                       text);
    size_t n = (size_t)(colon - text);
    if (n > 253)
        return err_set(err, ERR_CONFIG, "\"%.60s...\": a host name has at most 253 bytes", text);
    memcpy(out->host, text, n);
    out->host[n] = '\0';
    if (check_host(text, out->host, err) != 0)
        return -1;
    return parse_port(text, colon + 1, out, err);
}

int address_parse(const char *text, struct address *out, struct err *err)
{
    *out = (struct address){.kind = ADDRESS_TCP};
    if (text[0] == '\0')
        return err_set(err, ERR_CONFIG, "the address is empty: write \"host:port\" or \"unix:/path\"");
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, out, err);
    if (strncmp(text, "systemd:", 8) == 0)
        return parse_systemd(text + 8, out, err);
    if (strstr(text, "://") != NULL)
        return refuse_url(text, err);
    if (text[0] == '/')
        return err_set(err, ERR_CONFIG, "\"%.200s\" is a path: write \"unix:%.200s\" for a unix socket", text,
                       text);
    if (text[0] == '[')
        return parse_bracketed(text, out, err);
    return parse_host_port(text, out, err);
}

bool address_is_literal(const struct address *a)
{
    return a->kind == ADDRESS_TCP && (is_v4(a->host) || is_v6(a->host));
}

bool address_is_loopback(const struct address *a)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (a->kind != ADDRESS_TCP)
        return true;
    if (inet_pton(AF_INET, a->host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, a->host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    return strcasecmp(a->host, "localhost") == 0;
}

bool address_same(const struct address *a, const struct address *b)
{
    struct in6_addr x, y;
    if (a->kind != b->kind)
        return false;
    if (a->kind != ADDRESS_TCP)
        return strcmp(a->path, b->path) == 0;
    if (a->port != b->port || a->port == 0)
        return false;
    if (inet_pton(AF_INET6, a->host, &x) == 1 && inet_pton(AF_INET6, b->host, &y) == 1)
        return memcmp(&x, &y, sizeof(x)) == 0;
    return strcasecmp(a->host, b->host) == 0;
}

void address_format(const struct address *a, char *out, size_t out_size)
{
    if (a->kind != ADDRESS_TCP)
        snprintf(out, out_size, "%s:%s", a->kind == ADDRESS_UNIX ? "unix" : "systemd", a->path);
    else if (strchr(a->host, ':') != NULL)
        snprintf(out, out_size, "[%s]:%u", a->host, (unsigned)a->port);
    else
        snprintf(out, out_size, "%s:%u", a->host, (unsigned)a->port);
}
