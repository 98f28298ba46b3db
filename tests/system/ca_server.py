# SPDX-License-Identifier: Apache-2.0
"""A CA that renews certificates: EST (RFC 7030) and the calls of step-ca. The test says how it misbehaves."""
import base64
import datetime
import json
import threading

import certs
import peers

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the daemon's clock may be another one
EXTENSION_REQUEST = certs.oid("1.2.840.113549.1.9.14")


def elements(der):
    """(tag, whole, content) of each element."""
    out = []
    while der:
        size, head = der[1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(der[2:head], "big")
        out.append((der[0], der[:head + size], der[head:head + size]))
        der = der[head + size:]
    return out


class Csr:
    def __init__(self, der):
        certs.openssl("req", "-inform", "DER", "-verify", "-noout", data=der)
        info = elements(elements(elements(der)[0][2])[0][2])
        self.der, self.subject, self.spki = der, info[1][1], info[2][1]
        self.extensions = []
        for _, _, attribute in elements(info[3][2]):
            kind, values = elements(attribute)
            if kind[1] == EXTENSION_REQUEST:
                self.extensions = [whole for _, whole, _ in elements(elements(values[2])[0][2])]


def certs_only(ders):
    """A degenerate SignedData (RFC 5652 section 5.2)."""
    data = certs.sequence(certs.integer(1), certs.tlv(0x31), certs.sequence(certs.oid("1.2.840.113549.1.7.1")), certs.tlv(0xA0, *ders), certs.tlv(0x31))
    return certs.sequence(certs.oid("1.2.840.113549.1.7.2"), certs.tlv(0xA0, data))


class CaServer:
    def __init__(self, case, issuer=None, hours=24 * 30, server=None):
        self.pki, self.issuer, self.hours, self.days = case.pki, issuer or case.pki.ca("root"), hours, 0
        self.requests, self.issued, self.clients = [], [], []
        self.answer = self.give  # what a request gets
        self.extra, self.change = [], {}
        self.server = server or case.pki.server()
        self.ended = threading.Event()
        case.addCleanup(self.ended.set)
        context = peers.server_context(self.server, case.pki.ca("root"))
        context.verify_flags |= NO_CHECK_TIME
        self.port = peers.tls_server(case, context, self.serve).port
        self.url = f"https://127.0.0.1:{self.port}"

    def serve(self, _, connection):
        self.clients.append(int(connection.getpeercert()["serialNumber"], 16))
        head = peers.read_until(connection, b"\r\n\r\n")
        head, body = head.split(b"\r\n\r\n", 1)
        request = peers.Request(head + b"\r\n\r\n")
        while len(body) < int(request.values("content-length")[0]):
            body += connection.recv(65536)
        self.requests.append((request, body))
        self.answer(connection, request, body)

    def reply(self, connection, status, body=b"", **fields):
        text = f"HTTP/1.1 {status}\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        connection.sendall(text.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def say(self, status, body, **fields):
        self.answer = lambda connection, *_: self.reply(connection, status, body, **fields)

    def raw(self, data, times=1):
        self.answer = lambda connection, *_: [connection.sendall(data) for _ in range(times)]

    def issue(self, csr, **change):
        """The certificate for a request. change: subject, spki, extensions, issuer, hours, since."""
        self.pki.serial += 1
        issuer = change.get("issuer", self.issuer)
        began = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=self.days, minutes=change.get("since", -5))
        tbs = certs.sequence(
            certs.tlv(0xA0, certs.integer(2)), certs.integer(self.pki.serial), certs.sequence(certs.oid("1.2.840.10045.4.3.2")), issuer.subject,
            certs.sequence(certs.moment(began), certs.moment(began + datetime.timedelta(hours=change.get("hours", self.hours)))), change.get("subject", csr.subject),
            change.get("spki", csr.spki), certs.tlv(0xA3, certs.sequence(*change.get("extensions", csr.extensions))))
        self.issued.append(self.pki.serial)
        return self.pki.sign(tbs, issuer)

    def csr(self, request, body):
        if request.target.endswith("/rekey"):
            text = json.loads(body)["csr"]
            return Csr(base64.b64decode("".join(text.splitlines()[1:-1])))
        return Csr(base64.b64decode(body))

    def give(self, connection, request, body):
        self.give_for(connection, request, self.issue(self.csr(request, body), **self.change))

    def give_for(self, connection, request, der):
        if request.target.endswith("/rekey"):
            chain = [certs.pem("CERTIFICATE", one) for one in [der, *self.extra]]
            document = {"crt": chain[0], "ca": (chain + [self.issuer.crt.read_text()])[1], "certChain": chain, "tlsOptions": {"minVersion": 1.2}}
            self.reply(connection, "201 Created", json.dumps(document).encode(), Content_Type="application/json")
        else:
            self.reply(connection, "200 OK", base64.encodebytes(certs_only([*self.extra, der])), Content_Type="application/pkcs7-mime; smime-type=certs-only",
                       Content_Transfer_Encoding="base64")
