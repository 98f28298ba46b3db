/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_engine.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

int tls_library_start(struct err *err)
{
    /* The library would write every session's secrets to the file this names. */
    unsetenv("SSLKEYLOGFILE");
    int rc = gnutls_global_init();
    if (rc < 0)
        return err_set(err, ERR_INTERNAL, "the TLS library does not start: %s", gnutls_strerror(rc));
    return 0;
}

const char *tls_alert_name(int alert)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {0, "close_notify"},         {10, "unexpected_message"},  {20, "bad_record_mac"},
        {22, "record_overflow"},     {40, "handshake_failure"},   {42, "bad_certificate"},
        {43, "unsupported_certificate"}, {44, "certificate_revoked"}, {45, "certificate_expired"},
        {46, "certificate_unknown"}, {47, "illegal_parameter"},   {48, "unknown_ca"},
        {49, "access_denied"},       {50, "decode_error"},        {51, "decrypt_error"},
        {70, "protocol_version"},    {71, "insufficient_security"}, {80, "internal_error"},
        {86, "inappropriate_fallback"}, {90, "user_canceled"},    {109, "missing_extension"},
        {110, "unsupported_extension"}, {112, "unrecognized_name"}, {113, "bad_certificate_status_response"},
        {116, "certificate_required"}, {120, "no_application_protocol"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].number == alert)
            return names[i].name;
    }
    return alert < 0 ? "none" : "unknown";
}
