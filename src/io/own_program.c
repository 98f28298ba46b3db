/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/own_program.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MOST = 1024 * 1024, READ_AT_ONCE = 4096 };

/* The words that the system has of us, each ended by NUL. */
static char *read_words(size_t *n)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    ssize_t got = 1;
    *n = 0;
    while (fd >= 0 && got > 0 && *n < TEXT_MOST) {
        char *more = realloc(text, *n + READ_AT_ONCE + 1);
        if (more == NULL)
            break;
        text = more;
        got = read(fd, text + *n, READ_AT_ONCE);
        *n += got > 0 ? (size_t)got : 0;
        text[*n] = '\0';
    }
    if (fd >= 0)
        close(fd);
    if (got == 0 && *n > 0)
        return text;
    free(text);
    return NULL;
}

static char **split(char *text, size_t n)
{
    size_t words = 0;
    for (size_t i = 0; i < n; i++)
        words += text[i] == '\0' ? 1 : 0;
    char **argv = calloc(words + 1, sizeof(*argv));
    for (size_t i = 0, at = 0; argv != NULL && i < words; i++, at += strlen(text + at) + 1)
        argv[i] = text + at;
    return argv;
}

static bool is_us(const char *path)
{
    struct stat here, us;
    return stat(path, &here) == 0 && stat("/proc/self/exe", &us) == 0 && here.st_dev == us.st_dev && here.st_ino == us.st_ino;
}

/* folder/name if that is the file that runs. */
static char *candidate(const char *folder, size_t len, const char *name)
{
    char *path = malloc(len + strlen(name) + 2);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, len);
    path[len] = '/';
    memcpy(path + len + 1, name, strlen(name) + 1);
    if (path[0] == '/' && is_us(path))
        return path;
    free(path);
    return NULL;
}

/* As the shell found it. */
static char *look_along(const char *folders, const char *name)
{
    char *found = NULL;
    for (const char *at = folders; at != NULL && found == NULL; at = strchr(at, ':')) {
        at += at != folders ? 1 : 0;
        found = candidate(at, strcspn(at, ":"), name);
    }
    return found;
}

static char *find_path(const char *name)
{
    char here[PATH_MAX];
    char *found = NULL;
    if (name[0] == '/')
        found = is_us(name) ? strdup(name) : NULL;
    else if (strchr(name, '/') == NULL)
        found = look_along(getenv("PATH"), name);
    else if (getcwd(here, sizeof(here)) != NULL)
        found = candidate(here, strlen(here), name);
    if (found != NULL)
        return found;
    ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);
    here[n > 0 ? n : 0] = '\0';
    return n > 0 && is_us(here) ? strdup(here) : NULL;
}

int own_program_find(struct own_program *p)
{
    size_t n;
    *p = (struct own_program){.text = read_words(&n)};
    if (p->text != NULL)
        p->argv = split(p->text, n);
    if (p->argv != NULL)
        p->path = find_path(p->argv[0]);
    if (p->path != NULL)
        return 0;
    own_program_clear(p);
    return -1;
}

void own_program_clear(struct own_program *p)
{
    free(p->path);
    free(p->argv);
    free(p->text);
    *p = (struct own_program){0};
}
