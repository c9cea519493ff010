"""Each check catches the mistake that it exists for: wrong adapters, planted before right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fidelity import corpus, registry, suite
from tests.fidelity.checks import dialects, losses
from tests.fidelity.corpus import Record
from tests.fidelity.harness import Run
from tests.fidelity.planted import adapters, dialects as wrong_dialects

_ENOUGH = 25
_Wanted = Callable[[Record], bool]


def _tagged(*tags: str) -> _Wanted:
    return lambda record: record.ok and all(tag in record.raw["tags"] for tag in tags)


def _streamed(record: Record) -> bool:
    return record.ok and record.framing is not None


def _says(text: bytes) -> _Wanted:
    return lambda record: record.ok and text in record.body


def _asks(text: bytes) -> _Wanted:
    return lambda record: text in record.request_body


_PLANTS = (
    ("oracle", adapters.DropsToolCalls, _tagged("parallel_tool_calls")),
    ("oracle", adapters.SwapsUsage, _tagged()),
    ("oracle", adapters.LosesSignatures, _says(b'"signature"')),
    ("oracle", adapters.AlwaysStops, _tagged("tool_call")),
    ("faults", adapters.BlamesTheCaller, lambda record: record.status in (401, 404)),
    ("faults", adapters.LosesMessages, lambda record: record.status == 404),
    ("roundtrip", adapters.DropsAField, _asks(b'"temperature"')),
    ("roundtrip", adapters.AddsAField, _tagged("tools")),
    ("stream", adapters.ClaimsSuccess, _streamed),
    ("stream", adapters.ReadsWholePieces, _streamed),
    ("continuity", adapters.StripsSignatures, _asks(b'"signature"')),
    ("continuity", adapters.ForgetsCacheMarks, _asks(b'"cache_control"')),
    ("billing", adapters.CountsTheCacheTwice, _tagged("cache_tokens")),
    ("billing", adapters.ForgetsCosts, _says(b'"cost"')),
)


def _records(wanted: _Wanted) -> Iterator[Record]:
    for provider, api in suite.groups():
        if registry.way(api).chatty:
            yield from (r for r in corpus.records(provider, api) if wanted(r))


def _some(wanted: _Wanted) -> list[Record]:
    found = []
    for record in _records(wanted):
        found.append(record)
        if len(found) == _ENOUGH:
            break
    if not found:
        pytest.skip("no recording here on which this mistake would show")
    return found


def _failed(check: str, records: list[Record], plant=None) -> set[str]:
    runs = (Run(record, registry.way_of(record), plant) for record in records)
    return set(suite.over(suite.CHECKS[check], runs).failed)


@pytest.mark.parametrize(
    ("check", "plant", "wanted"), _PLANTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_wrong_adapter_is_caught(check, plant, wanted, recordings):
    records = _some(wanted)
    caught = _failed(check, records, plant) - _failed(check, records)
    assert caught, f"{plant.__name__} got through {check} on {len(records)} recordings"


@pytest.mark.parametrize(
    ("plant", "wanted"),
    [
        (wrong_dialects.DropsArguments, lambda r: _streamed(r) and _tagged("tool_call")(r)),
        (wrong_dialects.AddsNulls, _tagged()),
        (wrong_dialects.DropsText, _tagged()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_dialect_is_caught(plant, wanted, recordings, monkeypatch):
    records = _some(wanted)
    right = _failed("dialects", records)
    honest = dialects.dialect
    monkeypatch.setattr(dialects, "dialect", lambda name: plant(honest(name)))
    assert _failed("dialects", records) - right


def test_an_adapter_that_hides_its_losses_is_caught(recordings, monkeypatch):
    record = _some(lambda r: r.api == "messages")[0]
    honest = losses.adapter
    cases = list(losses.cases())
    right = {case for case in cases if losses.judge(record, "messages", *case)}
    monkeypatch.setattr(
        losses, "adapter", lambda r: (adapters.HidesLosses(honest(r)[0]), honest(r)[1])
    )
    assert {case for case in cases if losses.judge(record, "messages", *case)} - right
