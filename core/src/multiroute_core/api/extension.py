"""The contract of an extension: further routes, client dialects, and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from multiroute_core.api.call import Pairs
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.guard import Principal


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

    def routes(self) -> Sequence[Route]:
        """Further routes; one that exists already is a start-up error."""
        ...

    def commands(self) -> Sequence[Command]:
        """Further commands."""
        ...
