/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

struct flag pki_flag_dir(const char **dir)
{
    return (struct flag){.name = "--dir", .kind = FLAG_TEXT, .target = dir, .value = "FOLDER", .help = "folder of the CA (default: pki)"};
}

struct flag pki_flag_days(uint64_t *days)
{
    return (struct flag){.name = "--days", .kind = FLAG_NUMBER, .target = days, .value = "N", .help = "days until it expires (default: 365)"};
}

struct flag pki_flag_san(struct flag_list *sans)
{
    return (struct flag){.name = "--san",
                         .kind = FLAG_LIST,
                         .target = sans,
                         .value = "NAME",
                         .help = "alternative name: dns:HOST, ip:ADDRESS, uri:URI or email:ADDRESS (may be\n"
                                 "repeated, or several with commas); the type may be left out if it is clear"};
}

struct flag pki_flag_cn(const char **cn)
{
    return (struct flag){.name = "--cn", .kind = FLAG_TEXT, .target = cn, .value = "TEXT", .help = "common name (default: NAME)"};
}

struct flag pki_flag_ou(const char **ou)
{
    return (struct flag){.name = "--ou", .kind = FLAG_TEXT, .target = ou, .value = "TEXT", .help = "organizational unit"};
}

struct flag pki_flag_o(const char **o)
{
    return (struct flag){.name = "--o", .kind = FLAG_TEXT, .target = o, .value = "TEXT", .help = "organization"};
}
