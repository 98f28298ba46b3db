/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights that this process gives up, so that an intruder in it cannot leave it: files by Landlock, system calls by seccomp. Both for good, for every
 * thread that comes later, and as far as the kernel has them: the facts tell what is in force.
 */
#ifndef MTLSD_IO_SANDBOX_H
#define MTLSD_IO_SANDBOX_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/sandbox_plan.h"

/* Files: only the places of the plan stay open, and no program but those can be executed. Before this process has a second thread, which would stay outside. */
void sandbox_files(const struct sandbox_plan *plan, struct sandbox_facts *facts);
struct sandbox_needs {
    bool listens;  /* accepts connections, watches files and starts other programs' ends; the process of keys does not */
    bool connects; /* opens sockets at all */
};
/* System calls, in every thread: those that this process never needs fail, and those that only an intruder makes end it (SIGSYS). After the sockets are
 * open and other users' rights are given up. */
void sandbox_calls(struct sandbox_needs needs, struct sandbox_facts *facts);

/* The words to add to the message about a file that could not be opened, where the sandbox may be why (errno is EACCES); "": it is not. */
const char *sandbox_hint(int error);

/* A file that this user may read, and the sandbox does not let it: it took the place of another since then. */
bool sandbox_hides(const char *path);

#endif
