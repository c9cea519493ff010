"""The contract of an extension: further routes, client dialects, and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from multiroute_core.api.call import Operation, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.guard import Principal
from multiroute_core.api.json import EMPTY, JsonObject


class HttpRequest(Struct, frozen=True, gc=False):
    """A request to an extension's route, authorised for its scope. `principal` is None on a
    public route."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    principal: Principal | None


class HttpResponse(Struct, frozen=True, gc=False):
    """What an extension answers."""

    status: int
    headers: Pairs = ()
    body: bytes = b""


class Route(Struct, frozen=True, gc=False):
    """An exact path, who may use it, and what answers. Paths under /v1 belong to core."""

    method: str
    path: str
    scope: Literal["public", "call", "admin"]
    handler: Callable[[HttpRequest], Awaitable[HttpResponse]]


class DialectRoute(Struct, frozen=True, gc=False):
    """A path at which core answers calls of a dialect.

    `path` may hold names in braces, each for one or more characters but "/". `put` is laid over the
    client's document before the dialect reads it; "{name}" in it stands for what was in the path.
    `query`: the route is meant only if the query has these; of several routes the first that fits
    is taken. `stream_type`: content type of a stream here, "" for the dialect's own. `takes_form`:
    a multipart form will do as well as JSON.
    """

    method: str
    path: str
    wire: Wire
    operation: Operation
    put: JsonObject = EMPTY
    query: tuple[tuple[str, str], ...] = ()
    stream_type: str = ""
    takes_form: bool = False


class Command(Struct, frozen=True, gc=False):
    """`multiroute <name> …`: `run` gets the arguments and returns the exit code."""

    name: str
    help: str
    run: Callable[[Sequence[str]], int]


class Extension(Protocol):
    """Adds to the gateway or the command line; asked once, at start-up."""

    async def start(self) -> None:
        """Provision; `aclose` is called even if this raised."""
        ...

    async def aclose(self) -> None:
        """Release."""
        ...

    def dialects(self) -> Sequence[Dialect]:
        """Further client dialects."""
        ...

    def endpoints(self) -> Sequence[DialectRoute]:
        """Where calls of these dialects are answered."""
        ...

    def routes(self) -> Sequence[Route]:
        """Further routes; one that exists already is a start-up error."""
        ...

    def commands(self) -> Sequence[Command]:
        """Further commands."""
        ...
