# SPDX-License-Identifier: Apache-2.0
"""The same ends as peer.js, with grpcio, whose HTTP/2 is gRPC's own in C++.

usage: peer.py serve PORT | call ADDRESS | ask ADDRESS    the last makes the first call alone
"""
import concurrent.futures
import json
import queue
import sys
import threading
import time

import grpc

SERVICE = "/test.Echo/"


class Echo(grpc.GenericRpcHandler):
    def __init__(self):
        self.cancelled, self.lock = 0, threading.Lock()

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self.check)
        if not details.method.startswith(SERVICE):
            return None
        return {"Unary": grpc.unary_unary_rpc_method_handler(self.unary), "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "Slow": grpc.unary_unary_rpc_method_handler(self.slow), "Cancelled": grpc.unary_unary_rpc_method_handler(lambda r, c: str(self.cancelled).encode()),
                "Upload": grpc.stream_unary_rpc_method_handler(self.upload), "Download": grpc.unary_stream_rpc_method_handler(self.download),
                "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late), "Talk": grpc.stream_stream_rpc_method_handler(lambda r, c: r)}.get(name)

    def unary(self, request, context):
        got = dict(context.invocation_metadata())
        context.send_initial_metadata((("x-got", got.get("x-sent", "")), ("x-fields", " ".join(sorted(got))),
                                       ("x-identity", got.get("x-ssl-client-cn", ""))))
        context.set_trailing_metadata((("x-last", "of unary"), ("x-last-bin", b"\0\xff")))
        return request

    def fail(self, request, context):
        context.set_trailing_metadata((("x-why", "because"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no \u00e4, 100 % no")

    def slow(self, request, context):
        over = threading.Event()
        context.add_callback(over.set)
        if over.wait(20):
            with self.lock:
                self.cancelled += 1
        return b""

    def upload(self, requests, context):
        sizes = [len(r) for r in requests]
        return f"{len(sizes)} {sum(sizes)}".encode()

    def download(self, request, context):
        count, size = map(int, request.split())
        for _ in range(count):
            yield b"x" * size
        context.set_trailing_metadata((("x-last", "of download"),))

    def fail_late(self, request, context):
        yield b"one"
        context.abort(grpc.StatusCode.DATA_LOSS, "lost")

    def check(self, request, context):
        if request and not request.endswith(b"test.Echo"):
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return b"\x08\x01"


OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0), ("grpc.so_reuseport", 0))


def serve(port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), (Echo(),), options=OPTIONS)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def told(call):
    """What a finished call says."""
    return {"code": call.code().value[0], "details": call.details(), "trailers": {k: v for k, v in call.trailing_metadata() or () if isinstance(v, str)}}


def call(address, only_first):
    channel, out = grpc.insecure_channel(address, options=OPTIONS), {}

    def unary(name, body, **options):
        try:
            value, one = channel.unary_unary(SERVICE + name if "/" not in name else name).with_call(body, **{"timeout": 20, **options})
        except grpc.RpcError as error:
            return told(error)
        return {**told(one), "body": value.decode("latin-1"), "head": dict(one.initial_metadata())}

    def stream(one):
        messages = size = 0
        try:
            for message in one:
                messages, size = messages + 1, size + len(message)
        except grpc.RpcError:
            pass
        return {**told(one), "messages": messages, "bytes": size}

    out["unary"] = unary("Unary", b"ping", metadata=(("x-sent", "hello"), ("x-sent-bin", b"\0\1\xff")))
    if only_first:
        print(json.dumps(out))
        return
    out["empty"] = unary("Unary", b"")
    large = unary("Unary", b"z" * (3 << 20))
    out["large"] = {"code": large["code"], "bytes": len(large.get("body", ""))}
    out["fail"], out["missing"] = unary("Fail", b""), unary("Missing", b"")
    value, one = channel.stream_unary(SERVICE + "Upload").with_call((bytes(10000) for _ in range(100)), timeout=20)
    out["upload"] = {**told(one), "body": value.decode()}
    out["download"] = stream(channel.unary_stream(SERVICE + "Download")(b"200 10000", timeout=20))
    out["failLate"] = stream(channel.unary_stream(SERVICE + "FailLate")(b"", timeout=20))
    waiting = queue.SimpleQueue()
    waiting.put(b"0")
    talk = channel.stream_stream(SERVICE + "Talk")(iter(waiting.get, None), timeout=20)
    n = 0
    for n, _ in enumerate(talk, 1):  # the next message goes when the one before has come back
        waiting.put(str(n).encode() if n < 50 else None)
    out["talk"] = {**told(talk), "messages": n}
    began = time.monotonic()
    out["deadline"] = unary("Slow", b"", timeout=0.3)
    out["deadline"]["ms"] = (time.monotonic() - began) * 1000
    before = int(unary("Cancelled", b"")["body"])
    slow = channel.unary_unary(SERVICE + "Slow").future(b"", timeout=20)
    time.sleep(0.1)
    slow.cancel()
    out["cancel"] = {"code": slow.code().value[0]}
    for _ in range(40):
        out["cancelled"] = int(unary("Cancelled", b"")["body"]) - before
        if out["cancelled"] >= 1:
            break
        time.sleep(0.05)
    many = [(str(i).encode(), channel.unary_unary(SERVICE + "Unary").future(str(i).encode(), timeout=20)) for i in range(150)]
    out["many"] = sum(future.exception() is None and future.result() == body for body, future in many)
    out["health"] = unary("/grpc.health.v1.Health/Check", b"")
    print(json.dumps(out))


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else call(sys.argv[2], sys.argv[1] == "ask")
