"""A network of a test's own, so that nothing leaves the machine."""

import ctypes
import fcntl
import os
import socket
import struct
import unittest


def enter_own_network(resolv_conf=None):
    """From now on this process, and what it starts, has no network but loopback,
    and reads `resolv_conf`, if given, as /etc/resolv.conf. Skips the test where
    that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(what, status):
        if status != 0:
            raise unittest.SkipTest(f"{what}: {os.strerror(ctypes.get_errno())}")

    new_ns, new_net, bind, rec, private = 0x20000, 0x40000000, 4096, 16384, 1 << 18
    call("no namespaces (needs root)", libc.unshare(new_ns | new_net))
    up = struct.pack("16sH14x", b"lo", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS
    if resolv_conf is None:
        return
    call("private mounts", libc.mount(None, b"/", None, rec | private, None))
    call("mount on /etc/resolv.conf", libc.mount(
        os.fsencode(resolv_conf), b"/etc/resolv.conf", None, bind, None))
