/* SPDX-License-Identifier: Apache-2.0 */
#include "status_view.h"

#include "control/status_doc.h"

#include <check.h>
#include <stdio.h>

struct status_view shown;

static char *binds[] = {"0.0.0.0:8443"};
static struct config_target target_conf = {.text = "127.0.0.1:9000"};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct config config = {
    .path = "/etc/mtlsd.conf", .listeners = &shown.listener_conf, .n_listeners = 1, .upstreams = &upstream_conf, .n_upstreams = 1};
static struct plan_target target = {.conf = &target_conf, .upstream = &shown.upstream};

void status_view_set_up(void)
{
    shown.listener_conf = (struct config_listener){
        .name = "public", .bind_text = binds, .n_bind = 1, .protocol = CONFIG_PROTOCOL_HTTP, .upstream = "partner"};
    shown.listener = (struct plan_listener){.conf = &shown.listener_conf, .routes = &shown.route, .n_routes = 1};
    shown.route = (struct plan_route){.upstream = &shown.upstream};
    shown.upstream = (struct plan_upstream){.conf = &upstream_conf, .targets = &target, .n_targets = 1};
    shown.snapshot = (struct snapshot){.config = &config,
                                       .generation = 3,
                                       .upstreams = &shown.upstream,
                                       .targets = &target,
                                       .n_targets = 1,
                                       .listeners = &shown.listener,
                                       .target_state = target_state_new(1)};
    ck_assert_ptr_nonnull(shown.snapshot.target_state);
    bytes_init(&shown.out, 1 << 20);
    ck_assert_int_eq(counters_init(&shown.counters, 4), 0);
}

void status_view_tear_down(void)
{
    bytes_clear(&shown.out);
    counters_clear(&shown.counters);
    target_state_free(shown.snapshot.target_state);
}

struct admin_view status_view_make(void)
{
    return (struct admin_view){.version = "0.1.0",
                               .now = 1800000100,
                               .started = 1800000000,
                               .workers = 2,
                               .ready = true,
                               .snapshot = &shown.snapshot,
                               .counters = &shown.counters};
}

const char *status_view_text(const struct admin_view *view)
{
    ck_assert_int_eq(status_doc_status(&shown.out, view), 0);
    snprintf(shown.text, sizeof(shown.text), "%.*s", (int)shown.out.len, (const char *)bytes_span(&shown.out).ptr);
    return shown.text;
}
