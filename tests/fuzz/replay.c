/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a corpus where there is no fuzzer: gives the target every file of a folder as it is, cut short at many places, and with edits that are the
 * same in every run. Each input lies in memory of its very size, so that a sanitizer sees a byte read too far. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20, N_CUTS = 6, N_EDITS = 12, MAX_CHANGES = 4 };

static uint64_t state;
static int (*target)(const uint8_t *bytes, size_t n);

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void give(const uint8_t *bytes, size_t n)
{
    uint8_t *own = malloc(n > 0 ? n : 1);
    if (own == NULL)
        abort();
    if (n > 0)
        memcpy(own, bytes, n);
    (void)target(own, n);
    free(own);
}

static void give_edited(const uint8_t *bytes, size_t n)
{
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '\r', '\n', ' ', '"', '%', '.', '/', ':', ',', '@', '='};
    uint8_t *edited = malloc(n);
    if (edited == NULL)
        abort();
    memcpy(edited, bytes, n);
    for (uint64_t changes = 1 + draw(MAX_CHANGES); changes > 0; changes--) {
        size_t at = (size_t)draw(n);
        uint8_t flipped = (uint8_t)(edited[at] ^ (1U << draw(8)));
        edited[at] = draw(2) == 0 ? flipped : odd[draw(sizeof(odd))];
    }
    give(edited, n);
    free(edited);
}

static void replay(const char *path)
{
    static uint8_t bytes[MAX_FILE];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    state = UINT64_C(0x9e3779b97f4a7c15);
    give(bytes, n);
    for (size_t i = 0; n > 0 && i < N_CUTS; i++)
        give(bytes, (size_t)draw(n));
    for (size_t i = 0; n > 0 && i < N_EDITS; i++)
        give_edited(bytes, n);
}

static size_t replay_folder(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        replay(path);
        n++;
    }
    if (d != NULL)
        closedir(d);
    return n;
}

/* usage: fuzz_replays TARGET FOLDER */
int main(int argc, char **argv)
{
    const struct fuzz_target *t = fuzz_targets;
    while (argc == 3 && t->name != NULL && strcmp(t->name, argv[1]) != 0)
        t++;
    if (argc != 3 || t->name == NULL) {
        fprintf(stderr, "usage: %s TARGET FOLDER\n", argv[0]);
        return 1;
    }
    target = t->give;
    size_t n = replay_folder(argv[2]);
    printf("100%%: Checks: %zu, Failures: 0, Errors: 0\n", n); /* in the words of the other tests: they are counted together */
    return n > 0 ? 0 : 1; /* a folder that went away is no success */
}
