"""GET /v1/models and /v1/models/{id}: what a caller may name, with what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import unquote_to_bytes

from multiroute_core.api.errors import ModelNotFound
from multiroute_core.api.json import Json
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.reply_headers import JSON_TYPE, NO_STORE
from multiroute_core.gateway.router_port import Card, RouterPort
from multiroute_core.wire.strict import dump

PREFIX: Final = b"/v1/models/"
_HEADERS: Final = (JSON_TYPE, NO_STORE)


def _price(value: Decimal | None) -> str | None:
    """USD per million tokens, as written: JSON's numbers are floats to most readers."""
    return None if value is None else format(value.normalize(), "f")


def card_json(card: Card) -> dict[str, Json]:
    """One entry of the list. `created` is unknown: 0, because clients demand a number."""
    facts: Mapping[str, Json] = {
        "kind": card.kind,
        "model": card.model,
        "context": card.context,
        "max_output": card.max_output,
        "input_usd_per_mtok": _price(card.input_usd_per_mtok),
        "output_usd_per_mtok": _price(card.output_usd_per_mtok),
        "capabilities": dict(card.capabilities),
        "targets": list(card.targets),
    }
    return {
        "id": card.id,
        "object": "model",
        "created": 0,
        "owned_by": card.owned_by,
        "multiroute": facts,
    }


class ModelList:
    """GET /v1/models."""

    def __init__(self, router: RouterPort) -> None:
        self._router = router

    async def __call__(self, exchange: Exchange) -> None:
        """All of them."""
        data: list[Json] = [card_json(card) for card in self._router.models(exchange.caller)]
        await exchange.respond(200, _HEADERS, dump({"object": "list", "data": data}))


class OneModel:
    """GET /v1/models/{id}; the id is the rest of the path, slashes and colons included."""

    def __init__(self, router: RouterPort) -> None:
        self._router = router

    async def __call__(self, exchange: Exchange) -> None:
        """One of them.

        Raises:
            ModelNotFound: there is none of that id for this caller.
        """
        wanted = unquote_to_bytes(exchange.path[len(PREFIX) :]).decode("utf-8", "replace")
        for card in self._router.models(exchange.caller):
            if card.id == wanted:
                await exchange.respond(200, _HEADERS, dump(card_json(card)))
                return
        shown = wanted if len(wanted) <= 200 else wanted[:200] + "…"
        raise ModelNotFound(
            f"there is no model {shown!r} here: GET /v1/models lists what there is", param="model"
        )
