"""The gateway as a server: start, drain, stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate

import uvicorn
from uvicorn.server import ServerState

from multiroute_core.api.errors import ConfigError
from multiroute_core.gateway.app import Gateway
from multiroute_core.gateway.client_link import Cause
from multiroute_core.gateway.exposure import check_exposure
from multiroute_core.gateway.limits import Limits
from multiroute_core.gateway.protocol import GatewayProtocol, ProtocolSettings, protocol_class
from multiroute_core.gateway.router_port import RouterPort

_BACKLOG = 2048
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class GatewayServer:
    """Listens and serves, on the running event loop. The router is started and closed outside."""

    def __init__(self, router: RouterPort, limits: Limits) -> None:
        self._router = router
        self._limits = limits
        self.app = Gateway(router, limits)
        self._state = ServerState()
        self._idle = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._clock: asyncio.TimerHandle | None = None
        settings = ProtocolSettings(limits, self.app.error_body, self._on_lost)
        self._config = uvicorn.Config(
            self.app,
            http=protocol_class(settings),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.idle_s,
        )

    async def start(self, host: str, port: int) -> str:
        """Listen; the URL at which a program on this machine reaches the gateway. Port 0 takes a
        free one.

        Raises:
            ConfigError: the address is taken or not ours, or would let everyone in.
        """
        environment = self._router.project.file.project.environment
        check_exposure(host, has_keys=self._router.has_keys, environment=environment)
        if not self._config.loaded:
            self._config.load()
        self._tick()
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._connection, host, port, backlog=_BACKLOG
            )
        except OSError as error:
            self._stop_clock()
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror or error}: "
                "choose another address by --port, --host or [gateway] listen"
            ) from error
        bound = self._listener.sockets[0].getsockname()[1]
        shown = _ANY.get(host, host)
        return f"http://[{shown}]:{bound}" if ":" in shown else f"http://{shown}:{bound}"

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Not ready while still listening (`drain_s`); then no new connections, and what runs may
        go on (`grace_s`); then what still runs is ended with an error. `hurry` skips the waits."""
        rush = hurry or asyncio.Event()
        self.app.is_draining = True
        await _wait(rush, self._limits.drain_s)
        if self._listener is not None:
            self._listener.close()
            await asyncio.sleep(0)  # what was being accepted becomes a connection
        for connection in self._connections():
            connection.shutdown()
        self._note_idle()
        if not await _either(self._idle, rush, self._limits.grace_s):
            self._interrupt("shutdown")
            if not await _wait(self._idle, self._limits.last_words_s):
                for connection in self._connections():
                    connection.transport.abort()
        running = set(self._state.tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=self._limits.last_words_s)
            for task in late:
                task.cancel()
        self._stop_clock()

    def _connection(self) -> asyncio.Protocol:
        return self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}
        )

    def _connections(self) -> list[GatewayProtocol]:
        return [one for one in self._state.connections if isinstance(one, GatewayProtocol)]

    def _interrupt(self, cause: Cause) -> None:
        for connection in self._connections():
            connection.interrupt(cause)

    def _on_lost(self) -> None:
        if self.app.is_draining:
            self._note_idle()

    def _note_idle(self) -> None:
        if not self._state.connections:
            self._idle.set()

    def _tick(self) -> None:
        """Once a second: the date that replies carry."""
        date = formatdate(time.time(), usegmt=True).encode("ascii")
        self._state.default_headers = [(b"date", date)]
        self._clock = asyncio.get_running_loop().call_later(1.0, self._tick)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


async def _wait(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether the event came in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    return event.is_set()


async def _either(wanted: asyncio.Event, rush: asyncio.Event, timeout_s: float) -> bool:
    """Whether the wanted event came in time, and before the other one."""
    waits = [asyncio.ensure_future(event.wait()) for event in (wanted, rush)]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return wanted.is_set()


@asynccontextmanager
async def running(
    router: RouterPort,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    limits: Limits | None = None,
) -> AsyncIterator[str]:
    """The gateway inside this program, for a while: gives its URL. Starts the router and closes
    it; no signals, and by default no `drain_s`.

    Raises:
        ConfigError: the router or the listener cannot start.
    """
    async with router:
        server = GatewayServer(router, limits or Limits(drain_s=0.0))
        url = await server.start(host, port)
        try:
            yield url
        finally:
            await server.stop()


def serve(
    router: RouterPort,
    host: str,
    port: int,
    *,
    limits: Limits | None = None,
    on_started: Callable[[str], None] | None = None,
) -> None:
    """Run the gateway as this process until SIGTERM or SIGINT, then stop gracefully; a second
    signal ends the waits. Starts the router and closes it; call it in the main thread.

    `on_started` gets the URL once connections are accepted.

    Raises:
        ConfigError: the router or the listener cannot start.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(router, host, port, limits or Limits(), on_started))


async def _serve(
    router: RouterPort,
    host: str,
    port: int,
    limits: Limits,
    on_started: Callable[[str], None] | None,
) -> None:
    asked, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if asked.is_set() else asked).set()

    async with router:
        server = GatewayServer(router, limits)
        url = await server.start(host, port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not every platform's loop has signal handlers; KeyboardInterrupt is left there.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, on_signal)
        try:
            if on_started is not None:
                on_started(url)
            await asked.wait()
        finally:
            await server.stop(hurry)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
