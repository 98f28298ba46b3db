/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "mtlsd/io/log_file.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* Key material must not leave by a core file or a debugger of the same user, whatever the command (security E4). */
static void protect_memory(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
    protect_memory();
    log_file_keep_streams();
    return command_main(argc, argv);
}
