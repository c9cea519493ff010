"""ScriptedUpstream: an HTTP/1.1 server on loopback that does what a script says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .connection import ClientLeft, Connection, Sleep
from .performing import perform
from .request_reader import MalformedRequest, read_request
from .script import Exhausted, Script, ScriptCursor, ScriptError
from .seen_request import SeenRequest
from .steps import Answer

_HOST = "127.0.0.1"
_BIND_TRIES = 100


class ScriptedUpstream:
    """A scripted upstream on 127.0.0.1, made of real sockets, with real resets and real stalls.

    script: one step; a list of steps, used up in the order in which requests arrive; a mapping of
        paths (`*` for all others) to such lists; or a function from the request to a step.
    exhausted: after the last step `repeat` it, or give an `error` (a 500, and see `problems`).
    port: 0 takes a free one.
    sleep: what waits for scripted time (`latency_s`, `gap_s`); give your own to make time pass at
        once.

    Use it as `async with`, or `start()` and `aclose()`. The `async with` form raises ScriptError at
    its end where the script failed (a function that raised, a list used up under `error`) and the
    block itself did not raise.

    requests: every whole request, in order of arrival.
    abandoned: requests whose client left before the scripted answer was complete, in the order of
        leaving.
    problems: what went wrong in the script.
    """

    def __init__(
        self,
        script: Script,
        *,
        exhausted: Exhausted = "repeat",
        port: int = 0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.requests: list[SeenRequest] = []
        self.abandoned: list[SeenRequest] = []
        self.problems: list[ScriptError] = []
        self._cursor = ScriptCursor(script, exhausted=exhausted)
        self._sleep = sleep
        self._port = port
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._accepted = 0
        self._closed_by_client = 0
        self._is_closed = False
        self._changed = asyncio.Event()

    # life-cycle

    async def start(self) -> Self:
        """Listen; returns once connections are accepted. Serves until `aclose`."""
        if self._server is not None:
            raise RuntimeError("this upstream is started already")
        self._is_closed = False
        await self.accept_connections()
        return self

    async def aclose(self) -> None:
        """Stop listening, end every connection at once, and wait until they are gone. May be called
        twice."""
        self._is_closed = True
        self._stop_listening()
        self._release_port()
        ending = dict(self._connections)
        for connection, task in ending.items():
            task.cancel()
            connection.abort()
        await asyncio.gather(*ending.values(), return_exceptions=True)
        for connection in ending:
            await connection.gone.wait()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
        if error is None and self.problems:
            raise self.problems[0]

    # what a test looks at

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`, without a path. Raises RuntimeError before the start."""
        if self._port == 0:
            raise RuntimeError("this upstream is not started")
        return f"http://{_HOST}:{self._port}"

    @property
    def connections_open(self) -> int:
        """Connections that neither side has ended."""
        return len(self._connections)

    @property
    def connections_accepted(self) -> int:
        """Connections so far, open or not."""
        return self._accepted

    async def wait_requests(self, count: int = 1, *, timeout_s: float = 5.0) -> SeenRequest:
        """Wait until so many requests have arrived in all; returns the last of them. Raises
        TimeoutError."""
        await self._until(lambda: len(self.requests) >= count, timeout_s, f"{count} request(s)")
        return self.requests[count - 1]

    async def wait_abandoned(self, count: int = 1, *, timeout_s: float = 5.0) -> SeenRequest:
        """Wait until so many clients in all have left in the middle of an answer; returns the last
        such request.

        An answer counts as complete once the kernel has its last byte: script a `Hang`, a
        `stall_at`, a `latency_s` or a `gap_s` so that there is a middle. Raises TimeoutError.
        """
        await self._until(
            lambda: len(self.abandoned) >= count, timeout_s, f"{count} abandoned request(s)"
        )
        return self.abandoned[count - 1]

    async def wait_closed_by_client(self, count: int = 1, *, timeout_s: float = 5.0) -> None:
        """Wait until clients have closed so many connections in all, idle or not. Raises
        TimeoutError."""
        await self._until(
            lambda: self._closed_by_client >= count, timeout_s, f"{count} connection(s) closed"
        )

    async def wait_no_connections(self, *, timeout_s: float = 5.0) -> None:
        """Wait until no connection is open. Raises TimeoutError."""
        await self._until(lambda: not self._connections, timeout_s, "the end of all connections")

    # listening

    async def refuse_connections(self) -> None:
        """From now on refuse new connections (open ones go on); the port stays ours."""
        if self._server is None:
            return
        self._stop_listening()
        self._held = await self._bound()

    async def accept_connections(self) -> None:
        """Listen, again after `refuse_connections`, on the same port."""
        if self._server is not None:
            return
        self._release_port()
        sock = await self._bound()
        self._port = sock.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_connection, sock=sock, backlog=1024)

    async def _bound(self) -> socket.socket:
        for _ in range(_BIND_TRIES):
            with contextlib.suppress(OSError):
                return self._bind()
            # Some event loops close a listening socket one turn late.
            await asyncio.sleep(0)
        return self._bind()

    def _bind(self) -> socket.socket:
        # asyncio switches Nagle's delay (40 ms between two small writes) off only where the
        # protocol is named.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((_HOST, self._port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        return sock

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _release_port(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    # connections (ConnectionWatcher)

    def _new_connection(self) -> Connection:
        self._accepted += 1
        return Connection(self, number=self._accepted, sleep=self._sleep)

    def opened(self, connection: Connection) -> None:
        """For the connection's own use."""
        if self._is_closed:  # it was being accepted while we closed
            connection.abort()
            return
        self._connections[connection] = asyncio.get_running_loop().create_task(
            self._serve(connection)
        )
        self._note()

    def left_by_client(self, connection: Connection) -> None:
        """For the connection's own use."""
        self._closed_by_client += 1
        self._note()

    def closed(self, connection: Connection) -> None:
        """For the connection's own use."""
        self._connections.pop(connection, None)
        self._note()

    async def _serve(self, connection: Connection) -> None:
        try:
            while (request := await read_request(connection)) is not None:
                self.requests.append(request)
                self._note()
                if not await self._exchange(connection, request):
                    break
        except ClientLeft:
            pass  # in the middle of a request: nothing arrived that could be recorded
        except MalformedRequest as exc:
            await self._refuse(connection, str(exc))
        finally:
            connection.close()

    async def _exchange(self, connection: Connection, request: SeenRequest) -> bool:
        try:
            step = self._cursor.step_for(request)
        except ScriptError as exc:
            self.problems.append(exc)
            step = Answer(500, body={"error": {"message": str(exc), "type": "script_error"}})
        try:
            return await perform(step, connection, request)
        except ClientLeft:
            self.abandoned.append(request)
            self._note()
            return False

    async def _refuse(self, connection: Connection, why: str) -> None:
        answer = Answer(
            400, {"connection": "close"}, {"error": {"message": why, "type": "malformed_request"}}
        )
        nothing = SeenRequest(method="", path="", query="", headers=(), body=b"")
        with contextlib.suppress(ClientLeft):  # then nobody is left to be told
            await perform(answer, connection, nothing)

    # waiting

    def _note(self) -> None:
        # A new event each time: whoever waits on the old one looks again, however many they are.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _until(self, is_reached: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not is_reached():
                    await self._changed.wait()
        except TimeoutError as exc:
            raise TimeoutError(
                f"waited {timeout_s} s for {what}; seen: {len(self.requests)} requests,"
                f" {len(self.abandoned)} abandoned, {self._closed_by_client} connections closed by"
                f" the client, {self.connections_open} open"
            ) from exc
