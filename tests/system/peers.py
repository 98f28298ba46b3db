# SPDX-License-Identifier: Apache-2.0
"""Peers written for the tests: servers that record every byte, and servers that misbehave on purpose."""
import contextlib
import functools
import hashlib
import re
import socket
import ssl
import struct
import threading

IO_S = 20
TLS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def at_once(connection):
    """Sends small writes without Nagle's delay: else a request after the end of a handshake waits 40 ms for an acknowledgement."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Server:
    """A thread per connection on 127.0.0.1; handle(connection) does what the test wants."""

    def __init__(self, case, handle, backlog=256):
        self.handle = handle
        self.accepted = 0
        self.received = bytearray()
        self.errors = []
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.socket.getsockname()[1]
        self.open = set()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        case.addCleanup(self.close)

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open.add(connection)
            connection.settimeout(IO_S)
            at_once(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.handle(self, connection)
        except (OSError, ValueError) as error:
            with self.lock:
                self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                connection.close()
            with self.lock:
                self.open.discard(connection)

    def record(self, data):
        with self.lock:
            self.received += data
        return data

    def close(self):
        # shutdown wakes the accepting thread, close alone does not.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.lock:
            still_open = list(self.open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Recut(Server):
    """A relay that cuts the first TLS record of the caller, its ClientHello, into records of so many bytes."""

    def __init__(self, case, target, size):
        self.target, self.size = target, size
        super().__init__(case, Recut.relay)

    @staticmethod
    def relay(self, connection):
        with socket.create_connection(("127.0.0.1", self.target), IO_S) as behind:
            data = b""
            while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
                data += connection.recv(65536)
            end = 5 + int.from_bytes(data[3:5], "big")
            for at in range(5, end, self.size):
                piece = data[at:min(at + self.size, end)]
                behind.sendall(data[:3] + len(piece).to_bytes(2, "big") + piece)
            behind.sendall(data[end:])
            threading.Thread(target=pump, args=(connection, behind), daemon=True).start()
            pump(behind, connection)


def pump(source, sink):
    """Passes bytes on until one side ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def server_context(certificate, client_ca=None, *, version=None, require=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.pem)
    if version:
        context.minimum_version = context.maximum_version = version
    if client_ca:
        context.load_verify_locations(client_ca.crt)
        context.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_OPTIONAL
    return context


def client_context(ca, certificate=None, *, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca.crt)
    if certificate:
        context.load_cert_chain(certificate.pem)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def tls_server(case, context, handle):
    """A server whose handle(server, connection) gets a connection with the handshake done."""
    def wrapped(server, connection):
        with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as secure:
            handle(server, secure)
    return Server(case, wrapped)


def cut(connection):
    """Ends the TCP connection without a TLS goodbye."""
    socket.socket.shutdown(connection, socket.SHUT_RDWR)


def reset(connection):
    """Ends a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_until(connection, mark, limit=1 << 20):
    data = b""
    while mark not in data and len(data) < limit:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def read_all(connection):
    """Everything to the end; gives (bytes, how it ended: "eof", "reset" or "timeout")."""
    data = bytearray()
    while True:
        try:
            piece = connection.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            return bytes(data), "reset"
        except ssl.SSLError:
            return bytes(data), "reset"
        except TimeoutError:
            return bytes(data), "timeout"
        if not piece:
            return bytes(data), "eof"
        data += piece


class Malformed(ValueError):
    """A message that a strict reader refuses."""


class CutShort(ValueError):
    """The stream ended before a message was whole: whoever sent it gave it up, and no reader can take it for a request."""


TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Request:
    """One request as a strict reader sees it."""

    def __init__(self, head, body=b"", trailers=b""):
        self.head, self.body, self.trailers = head, body, trailers
        lines = head[:-4].split(b"\r\n")
        start = lines[0].split(b" ")
        if len(start) != 3 or not TOKEN.fullmatch(start[0]) or not start[1] or start[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise Malformed(f"start line {lines[0]!r}")
        self.method, self.target = start[0].decode(), start[1].decode("latin-1")
        self.fields = [field(line) for line in lines[1:]]

    def exactly(self, name):
        """Every value of a field, by its own name."""
        return [v for n, v in self.fields if n.lower() == name]

    def values(self, name):
        """Every value of a field, with all that is no letter or digit taken for '-' as careless backends do."""
        wanted = fold(name)
        return [v for n, v in self.fields if fold(n) == wanted]


@functools.lru_cache(maxsize=4096)
def fold(name):
    return re.sub(r"[^a-z0-9]", "-", name.lower())


def field(line):
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.fullmatch(name):
        raise Malformed(f"field line {line!r}")
    if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise Malformed(f"control byte in {line!r}")
    return name.decode(), value.strip(b" \t").decode("latin-1")


class StrictReader:
    """Takes requests from a byte stream and refuses everything that two readers could understand differently."""

    def __init__(self, connection, record=lambda data: data):
        self.connection, self.record, self.data = connection, record, b""

    def fill(self):
        piece = self.connection.recv(65536)
        self.data += self.record(piece)
        return bool(piece)

    def line(self):
        while b"\r\n" not in self.data:
            if not self.fill():
                raise CutShort("end inside a line")
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def exactly(self, size):
        parts, have = [self.data], len(self.data)
        while have < size:
            self.data = b""
            if not self.fill():
                raise CutShort("end inside a body")
            parts.append(self.data)
            have += len(self.data)
        self.data = b"".join(parts)
        out, self.data = self.data[:size], self.data[size:]
        return out

    def request(self, before_body=lambda request: None):
        """The next request, or None at a clean end."""
        while b"\r\n\r\n" not in self.data:
            if not self.fill():
                if self.data:
                    raise CutShort(f"end inside a head: {self.data!r}")
                return None
        head, rest = self.data.split(b"\r\n\r\n", 1)
        request = Request(head + b"\r\n\r\n")
        self.data = rest
        lengths, codings = request.exactly("content-length"), request.exactly("transfer-encoding")
        if len(lengths) > 1 or (lengths and codings) or len(request.exactly("host")) != 1:
            raise Malformed(f"ambiguous head {head!r}")
        if lengths and not re.fullmatch(r"0|[1-9][0-9]*", lengths[0]) or codings not in ([], ["chunked"]):
            raise Malformed(f"ambiguous framing {head!r}")
        before_body(request)
        if lengths:
            request.body = self.exactly(int(lengths[0]))
        elif codings:
            request.body, request.trailers = self.chunks()
        return request

    def chunks(self):
        body = bytearray()
        while True:
            size = self.line()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
                raise Malformed(f"chunk size {size!r}")
            if int(size, 16) == 0:
                break
            body += self.exactly(int(size, 16))
            if self.exactly(2) != b"\r\n":
                raise Malformed("no line end after a chunk")
        trailers = b""
        while line := self.line():
            trailers += line + b"\r\n"
        return bytes(body), trailers


class Backend(Server):
    """A plaintext HTTP backend that records requests and answers each with the head it got. answer(request) may give other bytes."""

    def __init__(self, case, answer=None, before_body=lambda connection, request: None):
        self.requests = []
        self.malformed = []
        self.cut_short = []
        self.answer = answer or echo
        self.before_body = before_body
        super().__init__(case, Backend.talk)

    @staticmethod
    def talk(self, connection):
        reader = StrictReader(connection, self.record)
        try:
            while request := reader.request(lambda r: self.before_body(connection, r)):
                with self.lock:
                    self.requests.append(request)
                connection.sendall(self.answer(request))
        except Malformed as error:
            with self.lock:
                self.malformed.append(str(error))
        except CutShort as error:
            with self.lock:
                self.cut_short.append(str(error))


def reply(body=b"", status="200 OK", fields=()):
    extra = b"".join(f"{n}: {v}\r\n".encode() for n, v in fields)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n".encode() + extra + b"\r\n" + body


def echo(request):
    body = request.head + hashlib.sha256(request.body).hexdigest().encode() + b" %d" % len(request.body)
    return reply(b"" if request.method == "HEAD" else body)


def connect(port, timeout=IO_S):
    return at_once(socket.create_connection(("127.0.0.1", port), timeout))


def secure(port, context, timeout=IO_S):
    raw = connect(port, timeout)
    try:
        return context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
    except BaseException:
        raw.close()
        raise


def response(connection, method="GET"):
    """Reads one response strictly; gives (status, fields, body, complete). complete is False when the end came too early."""
    data = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLError):
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return 0, [], data, False
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        status, fields = int(lines[0].split(b" ")[1]), [field(line) for line in lines[1:]]
        names = {fold(n): v for n, v in fields}
        if method == "HEAD" or status in (204, 304) or status < 200:
            return status, fields, body, True
        finished, body = read_body(connection, names, body)
        return status, fields, body, finished
    return 0, [], data, False


def read_body(connection, names, data):
    """(complete, body) by the framing the fields tell."""
    data = bytearray(data)

    def more():
        nonlocal data
        try:
            piece = connection.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            return None
        data += piece
        return piece
    if "content-length" in names:
        size = int(names["content-length"])
        while len(data) < size:
            if not more():
                return False, bytes(data)
        return True, bytes(data[:size])
    if names.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            while b"\r\n" not in data:
                if not more():
                    return False, body
            size, data = data.split(b"\r\n", 1)
            size = int(size, 16)
            while len(data) < size + 2:
                if not more():
                    return False, body
            if size == 0:
                return True, body
            body, data = body + data[:size], data[size + 2:]
    while True:
        piece = more()
        if piece is None:
            return False, bytes(data)
        if not piece:
            return True, bytes(data)


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Callers:
    """For a case with a verifier at self.port, whose certificate and callers' certificates are of self.root."""

    def connect(self, certificate):
        connection = secure(self.port, client_context(self.root, certificate))
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection):
        connection.sendall(REQUEST)
        return response(connection)[0]

    def is_let_in(self, certificate):
        try:
            return self.ask(self.connect(certificate)) == 200
        except (ssl.SSLError, OSError):
            return False

    def end_of(self, connection):
        """How the daemon ended it: the alert's name, or what else."""
        connection.settimeout(10)
        try:
            return "closed" if connection.recv(1) == b"" else "data"
        except ssl.SSLError as error:
            return error.reason
        except OSError as error:
            return type(error).__name__
