"""Ports of loopback for servers that tests start."""

import pathlib
import random
import socket

_RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_000
_handed_out = set()


def free_port(address="127.0.0.1"):
    """A port that nobody listens on now and that no earlier call has given. Below
    those that the kernel gives to clients: one of these may take a server's port
    while it restarts, and even be connected to itself."""
    clients_lowest = int(_RANGE.read_text().split()[0])
    while True:
        port = random.randrange(_LOWEST, max(clients_lowest, _LOWEST + 10_000))
        if port in _handed_out:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
        _handed_out.add(port)
        return port
