/* SPDX-License-Identifier: Apache-2.0 */
/* The program and the arguments that this process was started with, to start it again: also after another file took the place of the program's. */
#ifndef MTLSD_IO_OWN_PROGRAM_H
#define MTLSD_IO_OWN_PROGRAM_H

struct own_program {
    char *path;  /* owned; absolute, with its symbolic links */
    char **argv; /* owned; ends with NULL; into text */
    char *text;  /* owned */
};

/* At start, while the file is the one that runs. A path that leads to another file now is not taken: then it is the path of the file that runs. -1: it
 * cannot be found out. */
int own_program_find(struct own_program *p);
void own_program_clear(struct own_program *p);

#endif
