"""What routing looks at, and what it makes: views, features, columns and decisions.

All of it is frozen data that can be written down and read back: a decision replays from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from multiroute_core.api.json import EMPTY, Json, JsonObject
from multiroute_core.api.offering import Quality, Target
from multiroute_core.api.pricing import PriceSheet


class Candidate(Struct, frozen=True, gc=False):
    """A target that is considered, with what is known of it.

    `context`, `max_output`: tokens, None unknown. `capabilities`: a name that is absent is
    unknown. `operations` and `prices` () mean unknown. `quality` is by use case. `weight` and
    `priority` are the profile's (priority 0 comes first).
    """

    target: Target
    context: int | None = None
    max_output: int | None = None
    capabilities: Mapping[str, bool] = {}
    modalities_in: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    prices: tuple[PriceSheet, ...] = ()
    quality: Mapping[str, Quality] = {}
    weight: float = 1.0
    priority: int = 0


class View(Struct, frozen=True, gc=False):
    """What every decision within one snapshot looks at.

    `signals` has one mapping a candidate (success rate, first_content_s, tokens_per_s, …; a
    missing key is unknown), `at_ms` is the snapshot's UTC instant in milliseconds since 1970,
    `state` is each scorer's own folded state, by scorer name.
    """

    profile: str
    use_case: str
    candidates: tuple[Candidate, ...]
    signals: tuple[Mapping[str, float], ...] = ()
    at_ms: int = 0
    seed: int = 0
    state: JsonObject = EMPTY


class Features(Struct, frozen=True, gc=False):
    """What a decision knows of a request: derived values; the text itself only for scorers whose
    `reads` has "text", and never recorded.

    `input_tokens` is an estimate, `output_tokens` what the client allows or a default. `needs`
    are sorted capability names that the request uses (tools, vision, json_schema, …).
    `continues` names the API format that the request goes on in: only a target that speaks it can
    read what an earlier answer left (signed thinking in an open tool loop, stored state).
    """

    operation: str
    stream: bool
    input_tokens: int
    output_tokens: int
    needs: tuple[str, ...] = ()
    max_output: int | None = None
    session: str | None = None
    metadata: JsonObject = EMPTY
    text: str | None = None
    continues: str | None = None


class Live(Struct, frozen=True, gc=False):
    """What must be fresh: in-flight attempts per candidate and the request's seed."""

    in_flight: tuple[int, ...] = ()
    seed: int = 0


class Column(Struct, frozen=True, gc=False):
    """A scorer's answer: one value a candidate in its declared unit, None = abstains.

    `confidence` (0..1, one a candidate) is read for the term "quality". `abstain` says why a
    value is None.
    """

    values: tuple[float | None, ...]
    confidence: tuple[float, ...] | None = None
    abstain: str = ""


class Verdict(Struct, frozen=True, gc=False):
    """Why a candidate was removed: the filter's name and its reason in words."""

    index: int
    filter: str
    reason: str


class Decision(Struct, frozen=True, gc=False):
    """The outcome of routing, as small as a request can afford.

    `plan` are candidate numbers of the view, best first: the fallback chain. `utilities` stand in
    the same order, in points (1 point = 0.01 quality). `removed` are the filtered candidates.
    `votes_lost` are (scorer, why). `reason` is "" or why the plan is empty.
    """

    id: str
    profile: str
    view_id: str
    seed: int
    features: Features
    live: Live
    plan: tuple[int, ...]
    utilities: tuple[float, ...]
    removed: tuple[Verdict, ...] = ()
    votes_lost: tuple[tuple[str, str], ...] = ()
    via: tuple[str, ...] = ()
    reason: str = ""


Facts: TypeAlias = Mapping[str, Json]
"""A scorer's folded state: plain JSON, so that it can be recorded and replayed."""
