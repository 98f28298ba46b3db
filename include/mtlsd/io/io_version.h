/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_IO_IO_VERSION_H
#define MTLSD_IO_IO_VERSION_H

const char *io_version_libuv(void); /* of the library in use, not of its headers */
const char *io_version_libcurl(void); /* of the library in use, not of its headers */

#endif
