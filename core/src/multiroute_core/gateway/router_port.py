"""What the gateway needs of a router."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Protocol

from multiroute_core.api.call import Call, Pairs
from multiroute_core.api.content import Wire
from multiroute_core.api.dialect import Dialect
from multiroute_core.api.extension import DialectRoute
from multiroute_core.api.guard import Principal
from multiroute_core.engine.native import NativeRequest, NativeSink
from multiroute_core.engine.sink import Sink
from multiroute_core.project import Project


class Card(Protocol):
    """One name that a caller may send as `model`, as `router.ModelCard` has it."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def owned_by(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def context(self) -> int | None: ...
    @property
    def max_output(self) -> int | None: ...
    @property
    def input_usd_per_mtok(self) -> Decimal | None: ...
    @property
    def output_usd_per_mtok(self) -> Decimal | None: ...
    @property
    def capabilities(self) -> Mapping[str, bool]: ...
    @property
    def targets(self) -> Sequence[str]: ...


class RouterPort(Protocol):
    """The router as the gateway sees it: `router.MultiRoute`, or a stand-in."""

    @property
    def project(self) -> Project:
        """The loaded project."""
        ...

    @property
    def ready(self) -> bool:
        """Whether calls can be answered."""
        ...

    @property
    def has_keys(self) -> bool:
        """Whether callers must show a key."""
        ...

    @property
    def dialects(self) -> Mapping[Wire, Dialect]:
        """The client dialects by name."""
        ...

    @property
    def endpoints(self) -> Sequence[DialectRoute]:
        """Where calls are answered beside core's own paths."""
        ...

    def authenticate(self, headers: Pairs) -> Principal:
        """Who calls. Raises Unauthorized."""
        ...

    def models(self, principal: Principal) -> Sequence[Card]:
        """What this caller may name."""
        ...

    async def answer(self, call: Call, principal: Principal, sink: Sink, call_id: str) -> None:
        """Answer a call into a sink. Raises CallError before `sink.begin` only."""
        ...

    async def native(
        self,
        instance: str,
        request: NativeRequest,
        principal: Principal,
        sink: NativeSink,
        call_id: str,
    ) -> None:
        """Pass a request on to a provider's own API. Raises CallError before `sink.begin` only."""
        ...

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
