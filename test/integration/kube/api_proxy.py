"""A proxy before the test control plane's API server, to cut what the allocator
reads where a test wants it cut. It ends TLS with the server's own certificate, so
it sees the bytes of a watch."""

import asyncio
import contextlib
import json
import ssl
import threading


class ApiProxy:
    """Runs in a thread of its own until stop(). `plane` has started; it may be
    restarted behind the proxy, on the same port."""

    def __init__(self, plane):
        self._plane = plane
        self._refusing = False
        self._marker = None  # the next server's bytes that hold it are cut there
        self._writers = set()  # to the allocator; the loop's alone
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise AssertionError("the proxy did not start")

    def kubeconfig(self, path, **user):
        """Writes a kubeconfig file that leads here, with e.g. `token` or
        `tokenFile`, and returns its path."""
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(self._plane.ca_file),
        }
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "proxy",
                    "contexts": [
                        {"name": "proxy", "context": {"cluster": "c", "user": "u"}}
                    ],
                    "clusters": [{"name": "c", "cluster": cluster}],
                    "users": [{"name": "u", "user": user}],
                }
            )
        )
        return path

    # --- What a test does with it, from its own thread ------------------------

    def cut(self):
        """Resets every connection."""
        self._call(self._abort_all)

    def refuse(self):
        """Resets every connection, and each new one at once, until allow()."""
        self._refusing = True
        self.cut()

    def allow(self):
        self._refusing = False

    def cut_at(self, marker):
        """Once: what the server sends is passed on up to the middle of `marker`
        (bytes), then every connection is reset."""
        self._marker = marker

    def has_cut(self):
        return self._marker is None

    def stop(self):
        async def end():
            self._server.close()
            serving = asyncio.all_tasks() - {asyncio.current_task()}
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

        self.refuse()
        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # --- Inside ----------------------------------------------------------------

    def _call(self, function):
        done = threading.Event()

        def run():
            function()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(10)

    def _abort_all(self):
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        certs = self._plane.folder / "certs"
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(certs / "apiserver.crt", certs / "apiserver.key")

        async def listen():
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", 0, ssl=own
            )
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        if self._refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        upstream = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            context = ssl.create_default_context(cafile=str(self._plane.ca_file))
            from_server, upstream = await asyncio.open_connection(
                "127.0.0.1", self._plane.ports["api"], ssl=context
            )
            await asyncio.gather(
                self._to_server(reader, upstream), self._to_client(from_server, writer)
            )
        for one in (writer, upstream):
            if one is not None:
                one.transport.abort()
        self._writers.discard(writer)

    async def _to_server(self, reader, upstream):
        while data := await reader.read(1 << 16):
            upstream.write(data)
            await upstream.drain()
        upstream.transport.abort()

    async def _to_client(self, from_server, writer):
        while data := await from_server.read(1 << 16):
            at = data.find(self._marker) if self._marker is not None else -1
            if at >= 0:
                middle = at + len(self._marker) // 2
                self._marker = None
                writer.write(data[:middle])
                # Sent, not thrown away with the connection.
                await writer.drain()
                await asyncio.sleep(0.05)
                self._abort_all()
                return
            writer.write(data)
            await writer.drain()
        writer.transport.abort()
