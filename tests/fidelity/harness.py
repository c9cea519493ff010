"""Our adapters, obtained as the router obtains them: the kernel makes them, with a runtime of the
public contract."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

from msgspec.structs import replace

from multiroute_core.api import (
    Call,
    Decoder,
    Encoded,
    Event,
    Fault,
    Head,
    Provider,
    Target,
    UpstreamRequest,
)
from multiroute_core.api.reply import Reply, fold
from multiroute_core.plugins import Inventory, Kernel, PluginErrors, discover
from multiroute_core.wire.multipart import parse_form
from tests.fidelity import registry
from tests.fidelity.corpus import Record
from tests.fidelity.registry import Way

NOW_S = 1_790_000_000.0


class Missing(LookupError):
    """Something of ours that a check needs is not there: no plugin, no codec."""


@dataclass(frozen=True)
class Runtime:
    """A `ProviderRuntime` without a network."""

    instance: str
    base_url: str
    credentials: tuple[str, ...] = ("default",)

    def secret(self, credential: str) -> str:
        return "test-key"

    @property
    def fetch(self) -> Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]:
        return _no_fetch

    @property
    def now_s(self) -> Callable[[], float]:
        return _now


async def _no_fetch(request: UpstreamRequest) -> tuple[Head, bytes]:
    raise AssertionError(f"an adapter wants the network: {request.method} {request.url}")


def _now() -> float:
    return NOW_S


@cache
def _inventory() -> Inventory:
    return discover()


@cache
def _made(names: tuple[str, ...], base_url: str | None) -> tuple[Provider, Runtime] | str:
    """An adapter of the first of these plugins that is installed, or why there is none. A kernel
    of its own for each, so that a broken plugin fails its own records only."""
    installed = {found.name for found in _inventory().of("provider")}
    name = next((name for name in names if name in installed), None)
    if name is None:
        return f"no provider plugin {' or '.join(names)} is installed"
    try:
        kernel = Kernel.load(_inventory(), [name])
        facts = kernel.facts("provider", name)
        settings = kernel.validate_settings("provider", name, registry.settings_of(name))
        runtime = Runtime(name, (base_url or facts.base_url).rstrip("/"))
        return kernel.make_provider(name, name, settings, runtime), runtime
    except (PluginErrors, ValueError) as error:
        return f"the plugin {name} makes no adapter: {error}"


def adapter(record: Record) -> tuple[Provider, Runtime]:
    """The adapter for a recorded exchange, as the kernel makes it.

    Raises:
        Missing: there is none, and why.
    """
    names = registry.plugins_of(record.provider, record.api)
    made = _made(names, registry.base_url_of(record))
    if isinstance(made, str):
        raise Missing(made)
    return made


@cache
def _codec(form: str) -> Callable[..., Call]:
    """The `decode_call` of a native format."""
    tried = registry.CODECS[form]
    for place in tried:
        module_name, _, name = place.partition(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not module_name.startswith(str(error.name)):
                raise
            continue
        found = getattr(module, name, None)
        if found is not None:
            return cast("Callable[..., Call]", found)
    raise Missing(f"no decode_call for {form}: looked for {', '.join(tried)}")


def decode_call(record: Record, way: Way, document: Mapping[str, Any] | None = None) -> Call:
    """The recorded request (or `document` in its place) in our words."""
    decode = _codec(way.codec)
    model, stream = registry.path_facts(record, way)
    content_type = dict(record.request_headers).get(b"content-type", b"").decode()
    if document is None:
        document = record.document
    if document is None and content_type.startswith("multipart/"):
        document = parse_form(content_type, record.request_body)
    offered: dict[str, Any] = {
        "doc": document,
        "headers": record.request_headers,
        "model": model,
        "stream": bool(stream),
        "operation": registry.operation_of(record, way),
        "path": record.path,
    }
    known = inspect.signature(decode).parameters
    call = decode(**{name: value for name, value in offered.items() if name in known})
    changes: dict[str, Any] = {}
    if model and call.model != model:
        changes["model"] = model
    if stream is not None and call.stream != stream:
        changes["stream"] = stream
    return replace(call, **changes) if changes else call


def target_for(record: Record, way: Way, call: Call) -> Target:
    """What the recorded request was sent to."""
    _, runtime = adapter(record)
    return Target(
        id=f"{runtime.instance}:{call.model}",
        instance=runtime.instance,
        upstream_id=registry.upstream_model(record, call.model),
        model=call.model,
        base_url=runtime.base_url,
        credential="default",
        wires=(way.wire,),
    )


@dataclass
class Run:
    """One record, run through our adapter. Everything is made once, when it is first asked for."""

    record: Record
    way: Way
    plant: Callable[[Provider], Provider] | None = None
    """Puts a wrong adapter in front of the right one: to show that a check sees it."""

    @cached_property
    def provider(self) -> Provider:
        right = adapter(self.record)[0]
        return right if self.plant is None else self.plant(right)

    @cached_property
    def call(self) -> Call:
        return decode_call(self.record, self.way)

    @cached_property
    def encoded(self) -> Encoded:
        return self.provider.encode(self.call, target_for(self.record, self.way, self.call))

    @cached_property
    def memo(self) -> object:
        """What the encoder tells the decoder: of the recorded request; where that cannot be read,
        of the least call of its format; where that has no codec, of the least chat."""
        try:
            return self.encoded.memo
        # A border: whatever is wrong with the request is the round trip's to report.
        except Exception:  # noqa: BLE001  foreign code
            pass
        try:
            call = decode_call(self.record, self.way, registry.least_call(self.way))
        except Missing:
            call = _codec("chat")(registry.LEAST["chat"])
        return self.provider.encode(call, target_for(self.record, self.way, call)).memo

    @property
    def head(self) -> Head:
        return Head(self.record.status, self.record.headers)

    def decoder(self) -> Decoder:
        return self.provider.decoder(self.head, self.memo)

    def events(self) -> list[Event]:
        """The whole reply, read in one go."""
        if self.record.framing is None:
            return list(self.provider.decode(self.head, self.record.body, self.memo))
        return self.fed([self.record.body])

    def fed(self, pieces: Sequence[bytes]) -> list[Event]:
        """The stream, fed in these pieces and closed."""
        decoder = self.decoder()
        out: list[Event] = []
        for piece in pieces:
            out.extend(decoder.feed(piece))
        out.extend(decoder.close())
        return out

    @cached_property
    def once(self) -> tuple[Event, ...]:
        return tuple(self.events())

    @cached_property
    def reply(self) -> Reply:
        return fold(self.once)

    def fault(self) -> Fault:
        """The fault behind an error reply."""
        return self.provider.classify(self.head, self.record.body)


@cache
def run_of(provider: str, api: str, number: int) -> Run:
    """The run of one record, kept for all checks of this process."""
    from tests.fidelity.corpus import records

    record = records(provider, api)[number]
    return Run(record, registry.way_of(record))


def run_by_id(provider: str, api: str, record_id: str) -> Run:
    """The run of the record of this id."""
    from tests.fidelity.corpus import records

    listed = records(provider, api)
    return run_of(
        provider, api, next(at for at, record in enumerate(listed) if record.id == record_id)
    )
