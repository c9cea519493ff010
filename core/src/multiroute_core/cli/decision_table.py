"""A decision's canonical record as tables that a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from multiroute_core.cli.console import out, table

if TYPE_CHECKING:
    from multiroute_core.api import AttemptRecord, CallRecord

_UNIT = 10**9
"""The record's integers count units of 1e-9."""


def shown_value(term: str, value: int | None, unit: str = "") -> str:
    """A term's value with its unit.

    >>> shown_value("cost_usd", 1_230_000), shown_value("latency_s", 850_000_000)
    ('$0.00123', '850 ms')
    >>> shown_value("quality", 620_000_000), shown_value("penalty", None)
    ('0.62', '–')
    """
    if value is None:
        return "–"
    number = value / _UNIT
    match term:
        case "quality":
            return f"{number:.3g}"
        case "cost_usd":
            return f"${number:.6f}".rstrip("0").rstrip(".")
        case "latency_s":
            return shown_time(number)
        case "penalty":
            return f"{number:.3g} points"
        case _:
            return f"{number:.6g} {unit}".rstrip()


def print_decision(record: Mapping[str, Any]) -> None:
    """Head, candidates with their terms, the reasons, the plan."""
    console = out()
    _print_head(record)
    candidates = sorted(record["candidates"], key=_by_place)
    scorers = list(
        dict.fromkeys(term["scorer"] for one in candidates for term in one.get("terms", ()))
    )
    # in an order that is not by score the number only says the place once more
    points = ["utility"] if record.get("order", "score") == "score" else []
    shown = table("place", "target", "model", *scorers, *points, "verdict",
                  numbers=["place", *scorers, *points])  # fmt: skip
    for one in candidates:
        values = {
            term["scorer"]: shown_value(term["term"], term["value"], term.get("unit", ""))
            for term in one.get("terms", ())
        }
        removed, place = one.get("removed"), one.get("place")
        utility = one.get("utility")
        shown.add_row(
            "–" if place is None else str(place + 1),
            one["target"],
            one["model"] or "–",
            *(values.get(name, "–") for name in scorers),
            *(("–" if utility is None else f"{utility / _UNIT:.2f}") for _ in points),
            f"removed by {removed['filter']}: {removed['reason']}" if removed else "may serve",
            style="dim" if removed else "bold" if place == 0 else "",
        )
    console.print(shown)
    _print_reasons(candidates)
    for vote in record.get("votes_lost", ()):
        who, why = (vote["scorer"], vote["why"]) if isinstance(vote, Mapping) else vote
        console.print(f"lost its vote: {who}: {why}", style="yellow", soft_wrap=True)
    if record["plan"]:
        console.print(f"plan: {'  →  '.join(record['plan'])}", soft_wrap=True)
    else:
        console.print(f"no plan: {record.get('reason') or 'no candidate is left'}", style="red")


def _by_place(candidate: Mapping[str, Any]) -> tuple[bool, int, str]:
    place = candidate.get("place")
    return place is None, place or 0, candidate["target"]


def _print_head(record: Mapping[str, Any]) -> None:
    features = record["features"]
    at = datetime.fromtimestamp(record["at_ms"] / 1000, UTC)
    way = "".join(f" via {step}" for step in record.get("via", ()))
    asked = record["requested"] or "no model"
    tokens = f"{features.get('input_tokens', 0):,} tokens in, {features.get('output_tokens', 0):,}"
    needs = ", ".join(features.get("needs", ()))
    console = out()
    console.print(f"decision {record['decision'] or '(not sent)'}", style="bold", soft_wrap=True)
    chosen = f"order by {record['order']}; " if "order" in record else ""
    console.print(
        f"asked for {asked}{way}; profile {record['profile'] or '–'}; {chosen}"
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        soft_wrap=True,
    )
    console.print(
        f"request: {features.get('operation', 'chat')}, about {tokens} out"
        + (", streamed" if features.get("stream") else "")
        + (f", needs {needs}" if needs else ""),
        soft_wrap=True,
    )


def _print_reasons(candidates: Sequence[Mapping[str, Any]]) -> None:
    lines = [
        f"  {one['target']}  {term['scorer']}: {term['why']}"
        for one in candidates
        for term in one.get("terms", ())
        if term.get("why")
    ]
    for line in lines:
        out().print(line, style="dim", soft_wrap=True)


def print_attempts(call: CallRecord | None, attempts: Sequence[AttemptRecord]) -> None:
    """What became of the call, attempt by attempt."""
    console = out()
    if attempts:
        shown = table("attempt", "target", "outcome", "status", "took", "cost", "why",
                      numbers=["attempt", "status", "took", "cost"])  # fmt: skip
        for one in attempts:
            outcome = one.fault if one.outcome == "fault" else one.outcome
            shown.add_row(
                str(one.number + 1),
                one.target,
                outcome or one.outcome,
                "–" if one.status is None else str(one.status),
                shown_time(one.total_s),
                shown_cost(one.cost_pusd),
                "; ".join(part for part in (one.detail, one.why) if part),
                style="green" if one.outcome == "ok" else "red",
            )
        console.print(shown)
    if call is not None:
        answered = f"answered by {call.target}" if call.outcome == "ok" else call.fault
        console.print(
            f"call {call.call_id}: {answered or call.outcome}, status {call.status}, "
            f"{call.attempts} attempt{'s' if call.attempts != 1 else ''}, "
            f"{shown_time(call.total_s)}, {shown_cost(call.cost_pusd)}",
            soft_wrap=True,
        )


def shown_time(seconds: float) -> str:
    """Seconds, or milliseconds where it is less than one.

    >>> shown_time(1.234), shown_time(0.0316)
    ('1.23 s', '31.6 ms')
    """
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def shown_cost(pusd: int | None) -> str:
    """Pico-USD as dollars; unknown is not free.

    >>> shown_cost(1_500_000_000), shown_cost(0), shown_cost(None)
    ('$0.0015', '$0', '–')
    """
    if pusd is None:
        return "–"
    return f"${pusd / 10**12:.9f}".rstrip("0").rstrip(".")
