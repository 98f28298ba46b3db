# SPDX-License-Identifier: Apache-2.0
"""Keys on the curve P-256 and their ECDSA signatures. A process of the openssl program costs eight times as much. This code is for tests only, because
it does not run in constant time. Every peer in the tests verifies its signatures."""
import base64
import functools
import hashlib
import secrets

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296, 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
# The DER of a key of this curve: ECPrivateKey of RFC 5915 before and after the private number, SubjectPublicKeyInfo before the point.
BEFORE_NUMBER = bytes.fromhex("30770201010420")
AFTER_NUMBER = bytes.fromhex("a00a06082a8648ce3d030107a14403420004")
BEFORE_POINT = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


@functools.cache
def doublings():
    """G, 2G, 4G and so on."""
    points = [G]
    for _ in range(255):
        x, y = points[-1]
        slope = (3 * x * x - 3) * pow(2 * y, -1, P) % P
        x3 = (slope * slope - 2 * x) % P
        points.append((x3, (slope * (x - x3) - y) % P))
    return points


def times_g(k):
    """The point k G, for 0 < k < N. The sum is kept in Jacobian coordinates; it never meets the point that is added, a higher power of two."""
    total = None
    for i, (x2, y2) in enumerate(doublings()):
        if not k >> i & 1:
            continue
        if total is None:
            total = (x2, y2, 1)
            continue
        x1, y1, z1 = total
        zz = z1 * z1 % P
        h, r = (x2 * zz - x1) % P, (y2 * z1 * zz - y1) % P
        hh = h * h % P
        hhh, v = h * hh % P, x1 * hh % P
        x3 = (r * r - hhh - 2 * v) % P
        total = (x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P)
    x, y, z = total
    inverse = pow(z, -1, P)
    return x * inverse * inverse % P, y * inverse**3 % P


def point_bytes(k):
    x, y = times_g(k)
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def new_key():
    """The DER of a new private key, as `openssl ecparam -genkey` writes it."""
    k = secrets.randbelow(N - 1) + 1
    return BEFORE_NUMBER + k.to_bytes(32, "big") + AFTER_NUMBER + point_bytes(k)


@functools.lru_cache(maxsize=None)
def number_of(pem):
    """The private number of a key in PEM's bytes, None if it is not of this form."""
    label = b"EC PRIVATE KEY-----"
    if pem.count(label) != 2:
        return None
    der = base64.b64decode(pem.split(label)[1].removesuffix(b"-----END "))
    return int.from_bytes(der[7:39], "big") if der.startswith(BEFORE_NUMBER) and der[39:].startswith(AFTER_NUMBER) else None


@functools.lru_cache(maxsize=None)
def spki(k):
    return BEFORE_POINT + point_bytes(k)


def sign(k, data, digest):
    """(r, s) of ECDSA."""
    e = int.from_bytes(hashlib.new(digest, data).digest()[:32], "big")
    while True:
        nonce = secrets.randbelow(N - 1) + 1
        r = times_g(nonce)[0] % N
        s = pow(nonce, -1, N) * (e + r * k) % N
        if r and s:
            return r, s
