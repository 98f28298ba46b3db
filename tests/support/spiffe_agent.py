#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An agent of the SPIFFE Workload API on a unix socket, for tests, with grpcio: X.509-SVIDs and bundles as streams. Messages come from outside as bytes.
usage: spiffe_agent.py SOCKET     reads one JSON object a line from standard input until it ends:
  {"FetchX509SVID": HEX, "FetchX509Bundles": HEX}  messages, which go to each stream at once; "" gives none
  {"end": [CODE, TEXT]}  ends all streams with that status, also those that come; {"end": null} no longer
  {"repeat": N, "turns": [HEX]}  sends these messages again and again, N a second; 0 ends that
and writes "ready", then "stream METHOD" for each stream, and "refused" for one without the header that the standard demands."""
import concurrent.futures
import json
import sys
import threading
import time

import grpc

METHODS = ("FetchX509SVID", "FetchX509Bundles")


class Agent:
    def __init__(self):
        self.changed = threading.Condition()
        self.version, self.end, self.repeat, self.turns = 0, None, 0, []
        self.messages = dict.fromkeys(METHODS, b"")

    def order(self, line):
        order = json.loads(line)
        with self.changed:
            self.version += 1
            for method in METHODS:
                if method in order:
                    self.messages[method] = bytes.fromhex(order[method])
            self.end = order.get("end", self.end)
            self.repeat = order.get("repeat", self.repeat)
            self.turns = [bytes.fromhex(turn) for turn in order["turns"]] if "turns" in order else self.turns
            self.changed.notify_all()

    def serve(self, method, context):
        if ("workload.spiffe.io", "true") not in context.invocation_metadata():
            print("refused", flush=True)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "security header missing from request")
        print(f"stream {method}", flush=True)
        seen = None
        while context.is_active():
            with self.changed:
                self.changed.wait_for(lambda: self.version != seen or self.repeat, timeout=0.5)
                fresh, end, message, repeat, turns = self.version != seen, self.end, self.messages[method], self.repeat, self.turns
                seen = self.version
            if end:
                context.abort(getattr(grpc.StatusCode, end[0]), end[1])
            for one in (turns or [message]) if repeat else [message] if fresh and message else []:
                yield one
            if repeat:
                time.sleep(len(turns or [message]) / repeat)


class Handler(grpc.GenericRpcHandler):
    def __init__(self, agent):
        self.agent = agent

    def service(self, details):
        service, _, method = details.method.strip("/").partition("/")
        if service != "SpiffeWorkloadAPI" or method not in METHODS:
            return None
        return grpc.unary_stream_rpc_method_handler(lambda request, context: self.agent.serve(method, context))


def main():
    agent = Agent()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8), handlers=[Handler(agent)])
    server.add_insecure_port(f"unix:{sys.argv[1]}")
    server.start()
    print("ready", flush=True)
    for line in sys.stdin:
        agent.order(line)
    server.stop(0)


if __name__ == "__main__":
    main()
