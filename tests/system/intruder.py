# SPDX-License-Identifier: Apache-2.0
"""Plays an intruder in a running process: makes it do a system call of our choice, in its main thread. x86-64, as root."""
import ctypes
import os
import platform
import struct

ATTACH, DETACH, SINGLESTEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
REGISTERS = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs".split()
OPENAT, EXECVE, PTRACE, SOCKET = 257, 59, 101, 41
AT_FDCWD = -100

libc = ctypes.CDLL(None, use_errno=True)


def can_play():
    return platform.machine() == "x86_64" and os.geteuid() == 0


def ptrace(request, pid, data=None):
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


class Intruder:
    """Inside for the time of a with block. call gives the result of the kernel, negative for an error, or None once the process is dead."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        ptrace(ATTACH, self.pid)
        os.waitpid(self.pid, 0)
        self.alive = True
        self.saved = self.registers()
        return self

    def __exit__(self, *_):
        if self.alive:
            self.set(self.saved)
            ptrace(DETACH, self.pid)

    def registers(self):
        room = ctypes.create_string_buffer(8 * len(REGISTERS))
        ptrace(GETREGS, self.pid, ctypes.addressof(room))
        return dict(zip(REGISTERS, struct.unpack(f"{len(REGISTERS)}Q", room.raw)))

    def set(self, registers):
        room = ctypes.create_string_buffer(struct.pack(f"{len(REGISTERS)}Q", *(registers[name] & 2**64 - 1 for name in REGISTERS)))
        ptrace(SETREGS, self.pid, ctypes.addressof(room))

    def text(self, value):
        """Far below the stack that is in use."""
        at = self.saved["rsp"] - 8192
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(at)
            memory.write(value.encode() + b"\0")
        return at

    def call(self, number, *arguments):
        """The process waits in a system call: its instruction is the one just behind."""
        values = dict(zip(("rdi", "rsi", "rdx", "r10"), [*arguments, 0, 0, 0, 0]))
        self.set({**self.saved, **values, "rax": number, "orig_rax": -1, "rip": self.saved["rip"] - 2})
        ptrace(SINGLESTEP, self.pid)
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) or os.WIFEXITED(status):
            self.alive = False
            self.status = status
            return None
        result = self.registers()["rax"]
        return result - 2**64 if result >= 2**63 else result
