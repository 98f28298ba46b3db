#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the ClientHello of a TLS client as a row of tests/unit/tls/client_hellos.h.

usage: record_hello.py PROGRAM HOW OFFERS COMMAND...

COMMAND is run once, with each PORT in it replaced by a port on 127.0.0.1. The first flight that arrives there is the row, and the connection is
closed. PROGRAM names the client and its version, HOW its options, OFFERS is 12, 13 or BOTH.
"""
import socket
import subprocess
import sys

WIDTH = 130


def read_records(conn):
    """All whole records until the handshake message that they begin is whole."""
    flight, message = b"", b""
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        record = b""
        while len(record) < 5 or len(record) < 5 + int.from_bytes(record[3:5], "big"):
            part = conn.recv(5 - len(record) if len(record) < 5 else 5 + int.from_bytes(record[3:5], "big") - len(record))
            if not part:
                sys.exit("the client sent no whole ClientHello")
            record += part
        flight, message = flight + record, message + record[5:]
    return flight


def main():
    program, how, offers, *command = sys.argv[1:]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        port = str(listener.getsockname()[1])
        with subprocess.Popen([a.replace("PORT", port) for a in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as client:
            conn, _ = listener.accept()
            conn.settimeout(60)
            flight = read_records(conn).hex()
            conn.close()
            client.kill()
    print(f'    {{"{program}", "{how}", OFFERS_{offers},')
    lines = [flight[i:i + WIDTH] for i in range(0, len(flight), WIDTH)]
    print("\n".join(f'     "{line}"' for line in lines) + "},")


if __name__ == "__main__":
    main()
