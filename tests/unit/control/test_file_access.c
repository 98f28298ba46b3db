/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/file_access.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { OURS = 0, FOREIGN_OWNER = 1, FOREIGN_GROUP = 2, READ_ONLY = 4 };

static const struct file_names names = {"alice", "ssl-cert", "mtlsd"};

static struct file_access access_of(unsigned mode, unsigned how)
{
    return (struct file_access){.mode = mode,
                                .foreign_owner = (how & FOREIGN_OWNER) != 0,
                                .foreign_group = (how & FOREIGN_GROUP) != 0,
                                .read_only = (how & READ_ONLY) != 0};
}

enum outcome { FINE, NOTED, WARNED, REFUSED };

/* E4 */
static const struct {
    enum file_use use;
    unsigned mode, how;
    enum outcome outcome;
    const char *says, *why;
} rows[] = {
    {FILE_USE_KEY, 0600, OURS, FINE, NULL, "the owner alone"},
    {FILE_USE_KEY, 0400, OURS, FINE, NULL, "the owner alone"},
    {FILE_USE_KEY, 0600, FOREIGN_GROUP, FINE, NULL, "a group without rights"},
    {FILE_USE_KEY, 0640, OURS, FINE, NULL, "Debian's ssl-cert, Kubernetes' fsGroup"},
    {FILE_USE_KEY, 0440, OURS, FINE, NULL, "Kubernetes' fsGroup with defaultMode 0400"},
    {FILE_USE_KEY, 0440, READ_ONLY, FINE, NULL, "the same as it is mounted"},
    {FILE_USE_KEY, 0640, FOREIGN_GROUP, REFUSED,
     "KEY holds a private key and members of group ssl-cert can read it (mode 0640, owner alice, group ssl-cert); run: chmod 600 KEY, or run mtlsd with "
     "that group",
     "a group that is not ours"},
    {FILE_USE_KEY, 0440, FOREIGN_GROUP, REFUSED, "run: chmod 400 KEY", "a group that is not ours"},
    {FILE_USE_KEY, 0644, OURS, REFUSED, "every user can read it (mode 0644, owner alice, group ssl-cert); run: chmod 600 KEY", "all may read it"},
    {FILE_USE_KEY, 0604, OURS, REFUSED, "every user can read it (mode 0604, owner alice, group ssl-cert); run: chmod 600 KEY", "all may read it"},
    {FILE_USE_KEY, 0444, READ_ONLY, REFUSED, "set mode 400 and owner alice where this read-only volume is made (in Kubernetes: defaultMode: 0400)",
     "all may read it, and chmod is no help"},
    {FILE_USE_KEY, 0602, OURS, REFUSED, "every user can change it (mode 0602, owner alice, group ssl-cert); run: chmod 600 KEY", "all may write it"},
    {FILE_USE_KEY, 0620, OURS, REFUSED, "members of group ssl-cert can change it (mode 0620, owner alice, group ssl-cert); run: chmod 600 KEY",
     "a group may write it, though it is ours"},
    {FILE_USE_KEY, 0660, OURS, REFUSED, "members of group ssl-cert can change it (mode 0660, owner alice, group ssl-cert); run: chmod 640 KEY",
     "a group may write it, though it is ours"},
    {FILE_USE_KEY, 0660, FOREIGN_GROUP, REFUSED, "members of group ssl-cert can read and change it (mode 0660, owner alice, group ssl-cert); run: chmod 600 KEY",
     "a foreign group may do all"},
    {FILE_USE_KEY, 0660, READ_ONLY, FINE, NULL, "a group of ours could write, were it not mounted read-only"},
    {FILE_USE_KEY, 0666, OURS, REFUSED, "every user can read and change it", "all may do all"},
    {FILE_USE_KEY, 0600, FOREIGN_OWNER, REFUSED,
     "its owner alice can read and change it (mode 0600, owner alice, group ssl-cert); run: chown mtlsd KEY", "another user's"},
    {FILE_USE_KEY, 0644, FOREIGN_OWNER, REFUSED, "run: chown mtlsd KEY && chmod 600 KEY", "two faults, two commands"},
    {FILE_USE_KEY, 0400, FOREIGN_OWNER | READ_ONLY, REFUSED, "its owner alice can read it (mode 0400, owner alice, group ssl-cert); set mode 400 and owner root where",
     "another user's, in a volume"},
    {FILE_USE_SECRET, 0600, OURS, FINE, NULL, "as a key"},
    {FILE_USE_SECRET, 0644, OURS, REFUSED, "KEY holds a secret and every user can read it (mode 0644, owner alice, group ssl-cert); run: chmod 600 KEY", "as a key"},
    {FILE_USE_SECRET, 0660, OURS, REFUSED, "run: chmod 640 KEY", "as a key"},
    {FILE_USE_KEY, 0601, OURS, FINE, NULL, "executable, which is odd and harmless"},
    {FILE_USE_CA, 0644, OURS, FINE, NULL, "a CA is public"},
    {FILE_USE_CA, 0644, FOREIGN_GROUP, FINE, NULL, "and a group may read it"},
    {FILE_USE_CA, 0666, OURS, REFUSED, "KEY names the CAs to trust and every user can change it (mode 0666, owner alice, group ssl-cert); run: chmod o-w KEY",
     "all may add a CA"},
    {FILE_USE_CA, 0602, FOREIGN_GROUP, REFUSED, "run: chmod o-w KEY", "all may add a CA"},
    {FILE_USE_CA, 01777, OURS, REFUSED, "every user can change it (mode 1777", "in a sticky folder of CAs all may still put one more"},
    {FILE_USE_CA, 0777, READ_ONLY, FINE, NULL, "a ConfigMap's folder"},
    {FILE_USE_CA, 01777, READ_ONLY | FOREIGN_GROUP, FINE, NULL, "a Secret's folder"},
    {FILE_USE_CA, 0664, OURS, FINE, NULL, "umask 002 and a group of one's own"},
    {FILE_USE_CA, 0664, FOREIGN_GROUP, WARNED, "members of group ssl-cert can change it (mode 0664, owner alice, group ssl-cert); run: chmod g-w KEY",
     "a group may add a CA"},
    {FILE_USE_CA, 0666, FOREIGN_GROUP, REFUSED, "run: chmod go-w KEY", "both may add a CA"},
    {FILE_USE_CA, 0644, FOREIGN_OWNER, WARNED, "its owner alice can change it (mode 0644, owner alice, group ssl-cert); run: chown mtlsd KEY", "another user's"},
    {FILE_USE_CRL, 0644, FOREIGN_OWNER | FOREIGN_GROUP, FINE, NULL, "a list is signed: whoever fetches it may own it"},
    {FILE_USE_CRL, 0664, FOREIGN_OWNER | FOREIGN_GROUP, FINE, NULL, "a list is signed"},
    {FILE_USE_CRL, 0666, OURS, WARNED, "KEY is a revocation list and every user can change it", "all may put an older one"},
    {FILE_USE_CONFIG, 0644, OURS, FINE, NULL, "the plain case"},
    {FILE_USE_CONFIG, 0664, OURS, FINE, NULL, "umask 002 and a group of one's own"},
    {FILE_USE_CONFIG, 0664, FOREIGN_GROUP, WARNED, "chmod g-w", "a group may name another CA"},
    {FILE_USE_CONFIG, 0644, FOREIGN_OWNER, WARNED, "chown mtlsd", "another user may name another CA"},
    {FILE_USE_CONFIG, 0646, OURS, REFUSED, "KEY is a configuration file and every user can change it", "all may name another CA"},
    {FILE_USE_CONFIG, 0777, READ_ONLY | FOREIGN_OWNER, FINE, NULL, "a volume that nobody can write to"},
    {FILE_USE_FOLDER, 0755, OURS, FINE, NULL, "the plain case"},
    {FILE_USE_FOLDER, 0777, OURS, WARNED, "KEY holds files that mtlsd relies on and every user can replace them", "all may rename what is in it"},
    {FILE_USE_FOLDER, 01777, OURS, FINE, NULL, "what others made cannot be renamed in a sticky folder"},
    {FILE_USE_FOLDER, 03777, FOREIGN_GROUP, FINE, NULL, "the root of a Secret with fsGroup"},
    {FILE_USE_FOLDER, 02755, FOREIGN_GROUP, FINE, NULL, "the folder behind ..data"},
    {FILE_USE_FOLDER, 0777, READ_ONLY, FINE, NULL, "the root of a ConfigMap"},
    {FILE_USE_FOLDER, 02775, OURS, FINE, NULL, "a group of ours"},
    {FILE_USE_FOLDER, 02775, FOREIGN_GROUP, WARNED, "members of group ssl-cert can replace them (mode 2775", "a group may rename what is in it"},
    {FILE_USE_FOLDER, 01755, FOREIGN_OWNER, WARNED, "its owner alice can replace them", "sticky does not hold the folder's owner"},
};

START_TEST(says_who_can_read_or_change_a_file_and_how_to_mend_it)
{
    struct file_access a = access_of(rows[_i].mode, rows[_i].how);
    enum finding_level level;
    char text[512];
    enum outcome got = !file_access_judge(&a, rows[_i].use, &level) ? FINE
                       : level == FINDING_ERROR                     ? REFUSED
                       : level == FINDING_WARNING                   ? WARNED
                                                                    : NOTED;
    ck_assert_msg(got == rows[_i].outcome, "row %d, %s: outcome %d", _i, rows[_i].why, got);
    if (got == FINE)
        return;
    file_access_text(&a, rows[_i].use, "KEY", &names, text, sizeof(text));
    ck_assert_msg(strstr(text, rows[_i].says) != NULL, "row %d, %s: %s", _i, rows[_i].why, text);
}
END_TEST

START_TEST(a_long_path_is_cut_and_harms_nothing)
{
    struct file_access a = access_of(0666, FOREIGN_OWNER);
    char path[5000], text[200];
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    file_access_text(&a, FILE_USE_KEY, path, &names, text, sizeof(text));
    ck_assert_uint_eq(strlen(text), sizeof(text) - 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("file_access");
    TCase *t = tcase_create("file_access");
    tcase_add_loop_test(t, says_who_can_read_or_change_a_file_and_how_to_mend_it, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(t, a_long_path_is_cut_and_harms_nothing);
    suite_add_tcase(s, t);
    return s;
}
