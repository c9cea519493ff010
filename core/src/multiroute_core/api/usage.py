"""Tokens and other billed units, in buckets that never overlap."""

from __future__ import annotations

from msgspec import Struct

from multiroute_core.api.json import JsonObject


class Usage(Struct, frozen=True, gc=False):
    """What one upstream reply used. Buckets are disjoint: their sum is the total.

    None means "not reported", which is never the same as 0. Units are tokens, but for
    `tool_units` (requests, sessions, …, by unit name). `media` holds further disjoint token
    buckets by name: audio_in, audio_out, image_in, image_out, predicted_rejected, … `others` are
    tokens of another model inside this reply, by that model's id. `reported_cost_pusd` is the
    provider's own price in pico-USD (1e-12 USD). `native` is what the provider sent.
    Snapshots in a stream are cumulative: see `merged`.
    """

    input_fresh: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    cache_write: int | None = None
    output_text: int | None = None
    output_reasoning: int | None = None
    media: tuple[tuple[str, int], ...] = ()
    tool_units: tuple[tuple[str, int], ...] = ()
    others: tuple[tuple[str, Usage], ...] = ()
    service_tier: str | None = None
    region: str | None = None
    reported_cost_pusd: int | None = None
    native: JsonObject | None = None
    estimated: bool = False

    @property
    def input_tokens(self) -> int:
        """All input tokens: fresh, read from and written to caches, media in.

        >>> Usage(input_fresh=7, cache_read=3, media=(("audio_in", 2),)).input_tokens
        12
        """
        total = (self.input_fresh or 0) + (self.cache_read or 0) + (self.cache_write or 0)
        total += (self.cache_write_5m or 0) + (self.cache_write_1h or 0)
        for name, count in self.media:
            if name.endswith("_in"):
                total += count
        return total

    @property
    def output_tokens(self) -> int:
        """All output tokens: text, reasoning, media out, rejected predictions."""
        total = (self.output_text or 0) + (self.output_reasoning or 0)
        for name, count in self.media:
            if not name.endswith("_in"):
                total += count
        return total


def merged(old: Usage | None, new: Usage) -> Usage:
    """The later snapshot laid over the earlier one: the last reported value wins, key by key.

    >>> merged(Usage(input_fresh=5, output_text=1), Usage(output_text=9)).input_fresh
    5
    """
    if old is None:
        return new
    return Usage(
        input_fresh=old.input_fresh if new.input_fresh is None else new.input_fresh,
        cache_read=old.cache_read if new.cache_read is None else new.cache_read,
        cache_write_5m=old.cache_write_5m if new.cache_write_5m is None else new.cache_write_5m,
        cache_write_1h=old.cache_write_1h if new.cache_write_1h is None else new.cache_write_1h,
        cache_write=old.cache_write if new.cache_write is None else new.cache_write,
        output_text=old.output_text if new.output_text is None else new.output_text,
        output_reasoning=(
            old.output_reasoning if new.output_reasoning is None else new.output_reasoning
        ),
        media=tuple({**dict(old.media), **dict(new.media)}.items()),
        tool_units=tuple({**dict(old.tool_units), **dict(new.tool_units)}.items()),
        others=tuple({**dict(old.others), **dict(new.others)}.items()),
        service_tier=new.service_tier or old.service_tier,
        region=new.region or old.region,
        reported_cost_pusd=(
            old.reported_cost_pusd if new.reported_cost_pusd is None else new.reported_cost_pusd
        ),
        native={**(old.native or {}), **(new.native or {})} or None,
        estimated=new.estimated,
    )
