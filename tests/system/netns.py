# SPDX-License-Identifier: Apache-2.0
"""Network namespaces for tests that cannot run on loopback. A thread enters a namespace; the programs and sockets that it then opens belong to that
namespace."""
import contextlib
import ctypes
import os
import subprocess
import unittest

CLONE_NEWNET = 0x40000000


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Pair:
    """Two namespaces with a cable between them: 10.77.0.1 at the first's end, 10.77.0.2 at the second's."""

    FAR, NEAR = "10.77.0.1", "10.77.0.2"

    def __init__(self):
        self.names = [f"mtlsd-{os.getpid()}-{end}" for end in ("far", "near")]
        try:
            for name in self.names:
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            ip("-n", self.names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.names[1])
            for name, address in zip(self.names, (self.FAR, self.NEAR)):
                ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
                ip("-n", name, "link", "set", "cable", "up")
        except BaseException:
            self.remove()
            raise

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=30)

    @staticmethod
    def move_to(descriptor):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def inside(self, name):
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.move_to(descriptor)
            yield
        finally:
            self.move_to(before)
            os.close(before)
            os.close(descriptor)

    def far(self):
        return self.inside(self.names[0])

    def near(self):
        return self.inside(self.names[1])


def make_pair():
    """For setUpModule: skips the file where no namespace can be made."""
    try:
        pair = Pair()
    except (OSError, subprocess.SubprocessError) as error:
        raise unittest.SkipTest(f"no network namespace can be made here: {error}") from error
    unittest.addModuleCleanup(pair.remove)
    return pair
