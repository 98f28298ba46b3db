# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder. The test says what it answers about each certificate, and with which faults."""
import datetime
import http.server
import threading
import time

import certs
from list_server import Listener

BASIC, SHA1 = "1.3.6.1.5.5.7.48.1.1", bytes.fromhex("300906052b0e03021a0500")


def generalized(when):
    return certs.tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def access(url):
    """The extension that names a responder."""
    return certs.extension("1.3.6.1.5.5.7.1.1", certs.sequence(certs.sequence(certs.oid("1.3.6.1.5.5.7.48.1"), certs.tlv(0x86, url.encode()))))


def take(data):
    """The first element's whole bytes, its content, and what follows."""
    size, at = data[1], 2
    if size & 0x80:
        at, size = 2 + (size & 0x7F), int.from_bytes(data[2:2 + (size & 0x7F)], "big")
    return data[:at + size], data[at:at + size], data[at + size:]


def id_in(request):
    """The CertID of a request about one certificate, and its serial number."""
    body = request
    for _ in range(4):
        body = take(body)[1]
    whole, content, _ = take(body)
    parts = []
    while content:
        _, value, content = take(content)
        parts.append(value)
    return whole, int.from_bytes(parts[3], "big")


class Responder:
    """says: by serial number "good", "revoked" or "unknown"; others are good. fault: what is done instead, by name."""

    def __init__(self, case, issuer, signer=None, port=0):
        self.issuer, self.signer = issuer, signer or issuer
        self.says, self.seen, self.fault, self.lifetime, self.age, self.other = {}, [], None, 3600, 60, None
        self.ended = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, dict(self.headers), request, time.monotonic()))
                try:
                    (outer.fault or outer.give)(self, request)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = Listener(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/ocsp"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.stop)

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, cert_id=None, signer=None, age=None, lifetime=None):
        asked, serial = id_in(request)
        began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=self.age if age is None else age)
        end = began + datetime.timedelta(seconds=(self.age if age is None else age) + (self.lifetime if lifetime is None else lifetime))
        word, signer = self.says.get(serial, "good"), signer or self.signer
        status = {"good": b"\x80\0", "unknown": b"\x82\0", "revoked": certs.tlv(0xA1, generalized(began))}[word]
        single = certs.sequence(cert_id or asked, status, generalized(began), certs.tlv(0xA0, generalized(end)))
        tbs = certs.sequence(certs.tlv(0xA1, signer.subject), generalized(began), certs.sequence(single))
        sent = certs.tlv(0xA0, certs.sequence(signer.der)) if signer is not self.issuer else b""
        basic = certs.sequence(tbs, certs.sequence(certs.oid("1.2.840.10045.4.3.2")), certs.bit_string(certs.signature_by(signer.key, tbs)), sent)
        return certs.sequence(b"\x0a\1\0", certs.tlv(0xA0, certs.sequence(certs.oid(BASIC), certs.tlv(4, basic))))

    @staticmethod
    def send(handler, body, kind="application/ocsp-response", status=200, **fields):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def give(self, handler, request):
        self.send(handler, self.answer(request))

    # faults

    def hang(self, handler, _request):
        self.ended.wait(60)

    def slowly(self, handler, request):
        """A byte now and then, and never the end."""
        body = self.answer(request)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/ocsp-response")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if self.ended.wait(0.2):
                break

    def late(self, handler, request):
        self.ended.wait(0.5)
        self.give(handler, request)

    def huge(self, handler, _request):
        self.send(handler, b"0" * 5_000_000)

    def garbage(self, handler, _request):
        self.send(handler, b"garbage")

    def try_later(self, handler, _request):
        self.send(handler, certs.sequence(b"\x0a\1\3"))

    def old(self, handler, request):
        self.send(handler, self.answer(request, age=90000, lifetime=-3600))

    def future(self, handler, request):
        self.send(handler, self.answer(request, age=-7200))

    def about_another(self, handler, request):
        whole, _ = id_in(request)
        other = whole[:-1] + bytes([whole[-1] ^ 1])
        self.send(handler, self.answer(request, cert_id=other))

    def not_found(self, handler, _request):
        self.send(handler, b"no", status=404)

    def redirect(self, handler, _request):
        self.send(handler, b"", status=302, Location=self.url)

    def as_text(self, handler, request):
        self.send(handler, self.answer(request), kind="text/html")

    def packed(self, handler, request):
        self.send(handler, self.answer(request), **{"Content-Encoding": "gzip"})

    def by_another_ca(self, handler, request):
        self.send(handler, self.answer(request, signer=self.other))

    def unknown(self, handler, request):
        self.says[id_in(request)[1]] = "unknown"
        self.give(handler, request)
