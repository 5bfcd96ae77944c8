"""Many requests to the API server of a ControlPlane, quickly: connections that
are kept, one for each thread."""

import concurrent.futures
import http.client
import json
import socket
import ssl
import threading

import control_plane

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Refused(Exception):
    """What the API server thinks is wrong with a request."""

    def __init__(self, status, what, answer):
        reason = answer.get("message", "") if isinstance(answer, dict) else answer
        super().__init__(f"{what}: HTTP {status}: {reason}")
        self.status = status


class Api:
    """Thread-safe. Requests are those of an administrator."""

    def __init__(self, plane):
        self._port = plane.ports["api"]
        self._tls = ssl.create_default_context(cafile=str(plane.ca_file))
        self._own = threading.local()

    def __call__(self, method, path, body=None, kind=JSON):
        """The JSON that is answered; Refused if that is an error. A connection
        that the server has closed meanwhile is opened again, once."""
        text = json.dumps(body).encode() if body is not None else None
        headers = {
            "Authorization": f"Bearer {control_plane.ADMIN}",
            "Content-Type": kind,
        }
        for last_try in (False, True):
            try:
                connection = self._connection()
                connection.request(method, path, text, headers)
                answer = connection.getresponse()
                status, read = answer.status, answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.close()
                if last_try:
                    raise
        try:
            value = json.loads(read)
        except ValueError:
            value = read.decode(errors="replace")
        if status >= 300:
            raise Refused(status, f"{method} {path}", value)
        return value

    def all(self, do, items, threads=8):
        """do(item) for each, on several threads; the first failure is raised."""

        def close():
            barrier.wait()
            self.close()

        barrier = threading.Barrier(threads)
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(do, item) for item in items]
            for future in [*futures, *(pool.submit(close) for _ in range(threads))]:
                future.result()

    def close(self):
        """Closes the calling thread's connection."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
        self._own.connection = None

    def _connection(self):
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self._port, timeout=30, context=self._tls
            )
            connection.connect()
            # Else a request waits for the acknowledgement of its own headers.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._own.connection = connection
        return connection
