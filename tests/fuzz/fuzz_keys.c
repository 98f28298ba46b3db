/* SPDX-License-Identifier: Apache-2.0 */
/* E4: requests of a process that is taken over, to the one that holds keys. Each gets one answer, which reads well and has no key in it; or the sender
 * is not trusted any more. Key 1:0 is in use throughout. Answers are read as they come, too, of any bytes. */
#include "fuzz.h"

#include "mtlsd/keys/key_message.h"
#include "mtlsd/keys/key_service.h"

#include <string.h>

static const char secret[] = "MHcCAQEEI"; /* how the key of the file below begins, as any of P-256 does */

/* One file: a certificate with its key. */
static int read_file(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    (void)ctx;
    bytes_init(out, 1 << 16);
    *facts = (struct file_facts){0};
    if (strcmp(path, "key") != 0)
        return err_set(err, ERR_IO, "%.100s: no such file", path);
    static const char key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEIGHM7HF6GNhp9S2ArsB/PQporea5jOH03cSM1hy7eay8oAoGCCqGSM49\n"
                              "AwEHoUQDQgAE5oO9rICWYku2AS9Lw9Sy2AOMME+ONH9kMDz5wfIkukQvkHuv1OyE\n"
                              "uRXmimhs4JiIYp2CfJ4SW+BDCnvyx4fpVQ==\n"
                              "-----END EC PRIVATE KEY-----\n";
    return bytes_append_str(out, key);
}

static int become(void *ctx, struct err *err)
{
    (void)ctx;
    return err_set(err, ERR_IO, "no such user");
}

static int64_t now(void)
{
    return 1800000000;
}

static void answer(struct key_service *service, struct span message)
{
    struct bytes out;
    struct key_request request;
    struct key_answer read;
    struct identity_files files = {0};
    struct span given;
    uint32_t number = 0;
    size_t used = 0;
    bytes_init(&out, KEY_ANSWER_MAX + KEY_HEAD_BYTES);
    int rc = key_service_answer(service, 7, message, &out);
    assert((rc == 0) == (key_message_read_request(message, &request) == 0) && (rc == 0) == (out.len > 0));
    if (rc == 0) {
        assert(key_message_frame(bytes_span(&out), KEY_ANSWER_MAX, &number, &given, &used) == 1 && number == 7 && used == out.len);
        assert(key_message_read_answer(given, &read, request.kind == KEY_READ ? &files : NULL) == 0);
        assert(memmem(given.ptr, given.len, secret, sizeof(secret) - 1) == NULL);
        assert(request.kind != KEY_SIGN || read.fine == (read.signature.n > 0));
        assert(request.kind != KEY_SIGN || !read.fine || tls_signing_refusal(&request.what) == NULL);
    }
    identity_files_clear(&files);
    bytes_clear(&out);
}

static void read_any_answer(struct span message)
{
    struct key_answer read;
    struct identity_files files = {0};
    if (key_message_read_answer(message, &read, &files) == 0)
        assert(read.signature.n <= TLS_SIGNATURE_MAX);
    identity_files_clear(&files);
    if (key_message_read_answer(message, &read, NULL) == 0)
        assert(!read.has_key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct key_service_order order = {.files = {.read = read_file}, .become = become, .now = now};
    struct key_service *service = key_service_new(&order);
    struct span rest = span_of(bytes, n), message;
    uint32_t number;
    size_t used;
    assert(service != NULL);
    read_any_answer(rest);
    for (int rc; (rc = key_message_frame(rest, KEY_REQUEST_MAX, &number, &message, &used)) == 1; rest = span_skip(rest, used)) {
        assert(used <= rest.len && message.len + KEY_HEAD_BYTES == used);
        answer(service, message);
    }
    key_service_free(service);
    return 0;
}
