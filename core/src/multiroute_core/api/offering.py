"""Models and the offerings that providers make of them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from multiroute_core.api.content import Wire
from multiroute_core.api.pricing import PriceSheet


class Offering(Struct, frozen=True, omit_defaults=True):
    """A model as one provider sells it.

    `id` is the upstream's name; `model` our normalised id `lab/name`, "" where unknown.
    `capabilities` are True or False; a name that is absent is unknown. `context` and `max_output`
    are tokens, None unknown. `prices` empty means unknown, never free. `wires` restricts the API
    formats for this model; () means all that the provider speaks. `operations` () means unknown:
    any may be tried. `disputed` names fields on which
    sources disagree.
    """

    id: str
    model: str = ""
    snapshot: str | None = None
    prices: tuple[PriceSheet, ...] = ()
    context: int | None = None
    max_output: int | None = None
    capabilities: Mapping[str, bool] = {}
    modalities_in: tuple[str, ...] = ()
    modalities_out: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    wires: tuple[Wire, ...] = ()
    region: str | None = None
    flags: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()


class Quality(Struct, frozen=True, gc=False):
    """How good a model is for one use case: `value` 0..1 (higher is better), how sure (0..1),
    from how many benchmark rows."""

    value: float
    confidence: float
    rows: int = 1


class ModelFacts(Struct, frozen=True, omit_defaults=True):
    """What is known of a model, whoever serves it. `quality` is by use case; absent is unknown."""

    id: str
    name: str = ""
    family: str = ""
    released: str | None = None
    open_weights: bool | None = None
    aliases: tuple[str, ...] = ()
    quality: Mapping[str, Quality] = {}


class Target(Struct, frozen=True, gc=False):
    """What an attempt is made against: an offering at a provider instance with one credential.

    `id` is `instance:upstream-id` (with `#credential` where an instance has several).
    `credential` is a label, never the secret; "" where the provider needs none.
    """

    id: str
    instance: str
    upstream_id: str
    model: str
    base_url: str
    credential: str = ""
    wires: tuple[Wire, ...] = ()
    tags: tuple[str, ...] = ()
    region: str | None = None
