/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One destination of log lines, shared by all threads. What its reader or its disk does not take is dropped and counted, and never waited for long.
 * A file may be rotated: by time, by size, or because its name has fields of the date. That happens before a write, under the output's lock.
 */
#ifndef MTLSD_IO_LOG_OUTPUT_H
#define MTLSD_IO_LOG_OUTPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_rotation;

struct log_output {
    pthread_mutex_t lock;
    int fd; /* -1: none */
    bool known;   /* what it is was found out */
    bool is_disk; /* a regular file: it never makes us wait for a reader */
    bool stuck;   /* it took nothing last time: it is not waited for again */
    bool cut;     /* the last line lacks its end */
    unsigned long long lost; /* lines */
    struct log_rotation *rotation; /* owned; NULL: none */
};

struct log_outcome {
    unsigned long long lost; /* lines that were lost before this went through */
    bool begins_to_lose;     /* this is the first that did not */
    int because;             /* errno */
    int not_rotated;         /* errno: the old file stays in use, and this is the first time; 0: all is well */
};

/* A descriptor to append to, or -1 with errno. A named pipe without a reader is an error and not a wait without end. */
int log_output_open(const char *path);
struct log_outcome log_output_write(struct log_output *o, const char *text, size_t len);
/* Takes fd, and closes the one before; -1: there is none. Rotation ends. */
void log_output_swap(struct log_output *o, int fd);
/* Rotates from now on: each period of so many seconds, or before the file is larger, 0 for neither; target as in base/log_name.h. Nothing to do
 * without any of these. */
void log_output_rotate(struct log_output *o, const char *target, uint64_t seconds, uint64_t bytes);

#endif
