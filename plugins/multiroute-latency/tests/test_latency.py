"""How long an answer is expected to take: measured where it was, assumed where not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from multiroute_core.api.offering import Target
from multiroute_core.api.routing import Candidate, Column, Features, Live, View
from multiroute_latency import Settings, multiroute_make_scorer, multiroute_settings

SETTINGS = Settings(first_content_s=2.0, tokens_per_s=50.0)


def _view(*signals: Mapping[str, float], candidates: int = 0) -> View:
    target = Target("i:x", "i", "x", "lab/x", "http://127.0.0.1")
    count = candidates or len(signals)
    return View("p", "chat", (Candidate(target),) * count, signals=signals)


def _seconds(view: View, output_tokens: int) -> tuple[float | None, ...]:
    prepared = multiroute_make_scorer("latency", SETTINGS).prepare(view)
    assert not isinstance(prepared, Column)
    return prepared(Features("chat", True, 10, output_tokens), Live()).values


def test_latency_is_first_content_plus_tokens_over_throughput() -> None:
    view = _view({"first_content_s": 0.5, "tokens_per_s": 100.0})
    assert _seconds(view, 200) == pytest.approx((2.5,))


def test_priors_stand_in_for_what_was_not_measured() -> None:
    view = _view({}, {"first_content_s": 0.5}, {"tokens_per_s": 100.0}, {"tokens_per_s": 0.0})
    assert _seconds(view, 100) == pytest.approx((4.0, 2.5, 3.0, 4.0))
    assert _seconds(_view(candidates=2), 100) == pytest.approx((4.0, 4.0))


def test_why_says_what_was_measured() -> None:
    scorer = multiroute_make_scorer("latency", SETTINGS)
    view = _view({}, {"first_content_s": 0.5})
    features = Features("chat", True, 10, 100)
    assert scorer.why(view, features, Live(), 0) == (
        "first content after 2.00 s, then 50 tokens/s (assumed)"
    )
    assert scorer.why(view, features, Live(), 1).endswith("(measured)")


def test_a_prior_of_zero_is_refused() -> None:
    assert multiroute_settings("scorer", "latency") is Settings
    with pytest.raises(ValidationError):
        Settings(tokens_per_s=0)
