/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload.h"
#include "workload_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void workload_view_clear(struct workload_view *view)
{
    workload_set_clear(&view->set);
    *view = (struct workload_view){.state = WORKLOAD_WAITING};
}

const char *workload_state_word(enum workload_state state)
{
    static const char *const words[] = {
        [WORKLOAD_WAITING] = "waiting", [WORKLOAD_CURRENT] = "current", [WORKLOAD_DENIED] = "denied", [WORKLOAD_LOST] = "lost"};
    return words[state];
}

/* ---- packing ---- */

static ProtobufCBinaryData data_of(struct span s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.ptr};
}

struct lists { /* owned; the messages borrow from the view */
    Mtlsd__Workload__Svid *svids, **svid_pointers;
    Mtlsd__Workload__Bundle *bundles, **bundle_pointers;
};

static void free_lists(struct lists *l)
{
    free(l->svids);
    free(l->svid_pointers);
    free(l->bundles);
    free(l->bundle_pointers);
}

static int make_lists(const struct workload_set *set, struct lists *l)
{
    l->svids = calloc(set->n_svids + 1, sizeof(*l->svids));
    l->svid_pointers = calloc(set->n_svids + 1, sizeof(*l->svid_pointers));
    l->bundles = calloc(set->n_bundles + 1, sizeof(*l->bundles));
    l->bundle_pointers = calloc(set->n_bundles + 1, sizeof(*l->bundle_pointers));
    if (l->svids == NULL || l->svid_pointers == NULL || l->bundles == NULL || l->bundle_pointers == NULL)
        return -1;
    for (size_t i = 0; i < set->n_svids; i++) {
        mtlsd__workload__svid__init(&l->svids[i]);
        l->svids[i].spiffe_id = data_of(span_from_str(set->svids[i].id));
        l->svids[i].hint = data_of(span_from_str(set->svids[i].hint));
        l->svids[i].x509_svid = data_of(bytes_span(&set->svids[i].chain));
        l->svid_pointers[i] = &l->svids[i];
    }
    for (size_t i = 0; i < set->n_bundles; i++) {
        mtlsd__workload__bundle__init(&l->bundles[i]);
        l->bundles[i].trust_domain = data_of(span_from_str(set->bundles[i].domain));
        l->bundles[i].certificates = data_of(bytes_span(&set->bundles[i].ca));
        l->bundle_pointers[i] = &l->bundles[i];
    }
    return 0;
}

static int write_view(const struct workload_view *view, const struct lists *l, struct bytes *out)
{
    Mtlsd__Workload__View v = MTLSD__WORKLOAD__VIEW__INIT;
    v.state = (uint32_t)view->state;
    v.generation = view->generation;
    v.messages = view->messages;
    v.refused = view->refused;
    v.connects = view->connects;
    v.since = view->since;
    v.received = view->received;
    v.socket = data_of(span_from_str(view->socket));
    v.error = data_of(span_from_str(view->error));
    v.svids = l->svid_pointers;
    v.n_svids = view->set.n_svids;
    v.bundles = l->bundle_pointers;
    v.n_bundles = view->set.n_bundles;
    size_t n = mtlsd__workload__view__get_packed_size(&v);
    uint8_t *room = bytes_reserve(out, n + 1);
    if (room == NULL)
        return -1;
    bytes_commit(out, mtlsd__workload__view__pack(&v, room));
    return 0;
}

int workload_view_pack(const struct workload_view *view, struct bytes *out)
{
    struct lists l = {0};
    int rc = make_lists(&view->set, &l);
    if (rc == 0)
        rc = write_view(view, &l, out);
    free_lists(&l);
    return rc;
}

/* ---- unpacking ---- */

static int copy_text(ProtobufCBinaryData from, char *out, size_t size)
{
    if (from.len >= size)
        return -1;
    if (from.len > 0)
        memcpy(out, from.data, from.len);
    out[from.len] = '\0';
    return 0;
}

static int fill(struct workload_view *out, const Mtlsd__Workload__View *v)
{
    if (v->state > WORKLOAD_LOST || copy_text(v->socket, out->socket, sizeof(out->socket)) != 0 || copy_text(v->error, out->error, sizeof(out->error)) != 0)
        return -1;
    out->state = (enum workload_state)v->state;
    out->generation = v->generation;
    out->messages = v->messages;
    out->refused = v->refused;
    out->connects = v->connects;
    out->since = v->since;
    out->received = v->received;
    struct err err = {0};
    return workload_wire_svids(&out->set, v->svids, v->n_svids, &err) == 0 ? workload_wire_bundles(&out->set, v->bundles, v->n_bundles, &err) : -1;
}

int workload_view_unpack(struct workload_view *out, struct span packed)
{
    struct workload_memory m;
    *out = (struct workload_view){.state = WORKLOAD_WAITING};
    workload_memory_init(&m);
    Mtlsd__Workload__View *v = mtlsd__workload__view__unpack(&m.allocator, packed.len, packed.ptr);
    int rc = v != NULL ? fill(out, v) : -1;
    if (v != NULL)
        mtlsd__workload__view__free_unpacked(v, &m.allocator);
    if (rc != 0)
        workload_view_clear(out);
    return rc;
}
