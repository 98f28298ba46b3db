/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "mtlsd/io/log_file.h"

int main(int argc, char **argv)
{
    log_file_keep_streams();
    return command_main(argc, argv);
}
