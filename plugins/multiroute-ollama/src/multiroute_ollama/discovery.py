"""Which models a server has: `/api/tags`, and what it says of each in `/api/show`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from multiroute_core.api import (
    Head,
    Json,
    JsonObject,
    Offering,
    Pairs,
    PriceSheet,
    Rate,
    UpstreamRequest,
)
from multiroute_core.wire.strict import dump, loads

Fetch: TypeAlias = Callable[[UpstreamRequest], Awaitable[tuple[Head, bytes]]]

MOST_SHOWN: Final = 64
"""Of more models than this only the names are asked."""
WITHIN_S: Final = 5.0
"""What is not known by then stays unknown."""
_AT_ONCE: Final = 4
_FREE: Final = (PriceSheet((Rate("input", Decimal(0)), Rate("output", Decimal(0)))),)
"""One's own machine sends no bill."""
_NUM_CTX: Final = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)
_NOT_ID: Final = re.compile(r"[^a-z0-9._-]+")
_CAPABILITIES: Final[Mapping[str, str]] = {
    "tools": "tools",
    "vision": "vision",
    "thinking": "reasoning",
}


async def discover(
    fetch: Fetch, root: str, headers: Pairs, num_ctx: int | None, within_s: float = WITHIN_S
) -> tuple[Offering, ...]:
    """The server's models, in the order of their names; none where it does not answer.

    `num_ctx`: the context that calls will ask for, None the server's own choice.
    """
    found: dict[str, Offering] = {}
    try:
        async with asyncio.timeout(within_s):
            tags = await _asked(fetch, UpstreamRequest("GET", f"{root}/api/tags", headers, b""))
            for name in sorted(_names(tags)):
                found[name] = Offering(name, model_id(name), prices=_FREE, context=num_ctx)
            await _show_all(fetch, root, headers, num_ctx, found)
    except TimeoutError:
        pass  # what is known by now is kept
    return tuple(found.values())


async def _show_all(
    fetch: Fetch, root: str, headers: Pairs, num_ctx: int | None, found: dict[str, Offering]
) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def show(name: str) -> None:
        async with gate:
            body = dump({"model": name})
            told = await _asked(fetch, UpstreamRequest("POST", f"{root}/api/show", headers, body))
        found[name] = offering(name, told, num_ctx)

    async with asyncio.TaskGroup() as group:
        for name in list(found)[:MOST_SHOWN]:
            group.create_task(show(name))


async def _asked(fetch: Fetch, request: UpstreamRequest) -> JsonObject:
    """The document that the server answers with; an empty one where it has none for us."""
    # A border: whatever the host raises where the server is not running, and discovery is a help,
    # no condition.
    try:
        head, body = await fetch(request)
    except Exception:  # noqa: BLE001  the host's transport errors are not in the contract
        return {}
    if not 200 <= head.status < 300:
        return {}
    try:
        doc: Json = loads(body)
    except ValueError:
        return {}
    return doc if isinstance(doc, Mapping) else {}


def _names(tags: JsonObject) -> list[str]:
    listed = tags.get("models")
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        return []
    named = [one.get("model") or one.get("name") for one in listed if isinstance(one, Mapping)]
    return [name for name in named if isinstance(name, str) and name]


def model_id(name: str) -> str:
    """The id under which profiles name a server's model. What a server holds is some build of a
    model, in its own quantisation: it does not stand for the one that its lab serves.

    >>> model_id("llama3.2:3b"), model_id("all-minilm:latest"), model_id("hf.co/a/B-GGUF:Q4_K_M")
    ('ollama/llama3.2-3b', 'ollama/all-minilm', 'ollama/hf.co-a-b-gguf-q4_k_m')
    """
    return "ollama/" + _NOT_ID.sub("-", name.removesuffix(":latest").lower()).strip("-")


def offering(name: str, told: JsonObject, num_ctx: int | None) -> Offering:
    """A model as the server describes it. A list of capabilities is complete; without one (older
    servers) they are unknown."""
    listed = told.get("capabilities")
    known = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else None
    capabilities: dict[str, bool] = {}
    operations: list[str] = []
    modalities: tuple[str, ...] = ()
    if known is not None:
        capabilities = {ours: theirs in known for theirs, ours in _CAPABILITIES.items()}
        if "completion" in known:
            operations.append("chat")
            capabilities["json_schema"] = True
            modalities = ("text", "image") if "vision" in known else ("text",)
        if "embedding" in known:
            operations.append("embeddings")
    return Offering(
        name,
        model_id(name),
        prices=_FREE,
        context=num_ctx or _context(told),
        capabilities=capabilities,
        modalities_in=modalities,
        modalities_out=("text",) if "chat" in operations else (),
        operations=tuple(operations),
    )


def _context(told: JsonObject) -> int | None:
    """The context that the model file sets, else the longest that the model was made for."""
    parameters = told.get("parameters")
    if isinstance(parameters, str):
        found = _NUM_CTX.search(parameters)
        if found is not None:
            return int(found[1])
    info = told.get("model_info")
    if not isinstance(info, Mapping):
        return None
    longest = info.get(f"{info.get('general.architecture')}.context_length")
    return longest if isinstance(longest, int) and longest > 0 else None
