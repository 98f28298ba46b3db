# SPDX-License-Identifier: Apache-2.0
"""HPACK (RFC 7541) for tests: writes fields in any way that a peer may write them, also the forbidden ones, and reads all that a peer may send."""

STATIC = [("", "")] + [tuple(row.split("|")) for row in """\
:authority|
:method|GET
:method|POST
:path|/
:path|/index.html
:scheme|http
:scheme|https
:status|200
:status|204
:status|206
:status|304
:status|400
:status|404
:status|500
accept-charset|
accept-encoding|gzip, deflate
accept-language|
accept-ranges|
accept|
access-control-allow-origin|
age|
allow|
authorization|
cache-control|
content-disposition|
content-encoding|
content-language|
content-length|
content-location|
content-range|
content-type|
cookie|
date|
etag|
expect|
expires|
from|
host|
if-match|
if-modified-since|
if-none-match|
if-range|
if-unmodified-since|
last-modified|
link|
location|
max-forwards|
proxy-authenticate|
proxy-authorization|
range|
referer|
refresh|
retry-after|
server|
set-cookie|
strict-transport-security|
transfer-encoding|
user-agent|
vary|
via|
www-authenticate|""".splitlines()]

# How many bits each byte's code has (RFC 7541 appendix B), 33 to a row; the last is the end of the string. The codes follow from the lengths.
LENGTHS = [int(n) for n in """\
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 6
10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6
7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6 15 5 6
5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28 20 22 20 20
22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 22 21 20 22 22
23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23 26 26 20 19 22 23
22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27 20 24 20 21 22 21 21
23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30""".split()]
END = 256


def huffman_codes():
    """{symbol: (code, bits)}: shorter codes first, then smaller symbols, each the one before plus one."""
    codes, code, before = {}, 0, 0
    for symbol in sorted(range(len(LENGTHS)), key=lambda s: (LENGTHS[s], s)):
        code <<= LENGTHS[symbol] - before
        before = LENGTHS[symbol]
        codes[symbol] = (code, before)
        code += 1
    return codes


CODES = huffman_codes()
SYMBOLS = {(bits, code): symbol for symbol, (code, bits) in CODES.items()}


class Bad(ValueError):
    """A block that is no HPACK."""


def huffman(data):
    """Encodes with the fixed code, padded with ones."""
    value = bits = 0
    for byte in data:
        code, n = CODES[byte]
        value, bits = value << n | code, bits + n
    pad = -bits % 8
    return (value << pad | (1 << pad) - 1).to_bytes((bits + pad) // 8, "big")


def unhuffman(data):
    out, code, n = bytearray(), 0, 0
    for byte in data:
        for i in range(7, -1, -1):
            code, n = code << 1 | byte >> i & 1, n + 1
            symbol = SYMBOLS.get((n, code))
            if symbol == END:
                raise Bad("the end of a string inside it")
            if symbol is not None:
                out.append(symbol)
                code = n = 0
    if n > 7 or code != (1 << n) - 1:
        raise Bad("padding of a string")
    return bytes(out)


def integer(value, prefix, first=0):
    """An integer behind the bits of first (RFC 7541 section 5.1)."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytearray([first | most]), value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out) + bytes([value])


def string(data, coded=False):
    data = data.encode() if isinstance(data, str) else data
    return integer(len(huffman(data)), 7, 0x80) + huffman(data) if coded else integer(len(data), 7) + data


def literal(name, value, kind=0x00, coded=False):
    """A field with its name spelled out. kind: 0x00 not indexed, 0x10 never indexed, 0x40 put into the receiver's table."""
    return bytes([kind]) + string(name, coded) + string(value, coded)


def indexed(index):
    return integer(index, 7, 0x80)


def table_size(size):
    return integer(size, 5, 0x20)


def encode(fields, coded=False):
    """A block of (name, value): from the static table where it has both, else literals that change no table."""
    return b"".join(indexed(STATIC.index(field)) if field in STATIC else literal(*field, coded=coded) for field in fields)


class Decoder:
    """Reads blocks of one connection; names and values are text, byte for byte."""

    def __init__(self, most=4096):
        self.table, self.size, self.most, self.allowed = [], 0, most, most

    def take_integer(self, data, at, prefix):
        most = (1 << prefix) - 1
        value, at = data[at] & most, at + 1
        if value < most:
            return value, at
        shift = 0
        while True:
            if at >= len(data) or shift > 28:
                raise Bad("an integer without an end")
            byte, at = data[at], at + 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, at

    def take_string(self, data, at):
        if at >= len(data):
            raise Bad("no string")
        coded = data[at] & 0x80
        size, at = self.take_integer(data, at, 7)
        if at + size > len(data):
            raise Bad("a string beyond the block")
        raw = data[at:at + size]
        return (unhuffman(raw) if coded else bytes(raw)).decode("latin-1"), at + size

    def at(self, index):
        if 0 < index < len(STATIC):
            return STATIC[index]
        if index - len(STATIC) not in range(len(self.table)):
            raise Bad(f"index {index}")
        return self.table[index - len(STATIC)]

    def shrink(self, most):
        while self.size > most:
            name, value = self.table.pop()
            self.size -= len(name) + len(value) + 32

    def add(self, name, value):
        self.table.insert(0, (name, value))
        self.size += len(name) + len(value) + 32
        self.shrink(self.most)

    def decode(self, data):
        fields, at = [], 0
        while at < len(data):
            first = data[at]
            if first & 0x80:
                index, at = self.take_integer(data, at, 7)
                fields.append(self.at(index))
            elif first & 0xe0 == 0x20:
                self.most, at = self.take_integer(data, at, 5)
                if self.most > self.allowed:
                    raise Bad(f"a table of {self.most} bytes")
                self.shrink(self.most)
            else:
                index, at = self.take_integer(data, at, 6 if first & 0x40 else 4)
                name, at = (self.at(index)[0], at) if index else self.take_string(data, at)
                value, at = self.take_string(data, at)
                fields.append((name, value))
                if first & 0x40:
                    self.add(name, value)
        return fields
