"""Usage: disjoint buckets that sum to the total."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from multiroute_core.testing import Recording, Recordings
from multiroute_core.wire import chat


def test_buckets_of_every_recorded_usage_sum_to_its_total(
    answered: Recordings, documents_of: Callable[[Recording], list[Any]]
) -> None:
    seen = 0
    for one in answered:
        for doc in documents_of(one):
            native = doc.get("usage") or (doc.get("x_groq") or {}).get("usage")
            if native:
                seen += 1
                used = chat.usage(native)
                total = used.input_tokens + used.output_tokens
                assert total == native["total_tokens"], (one.provider, one.id, native)
                assert used.input_tokens == native["prompt_tokens"]
                assert used.output_tokens >= native["completion_tokens"]
    assert seen > 600


def _usage(**fields: Any) -> dict[str, Any]:
    return {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, **fields}


@pytest.mark.parametrize(
    ("native", "buckets"),
    [
        (_usage(), (100, None, 50, None)),
        (_usage(prompt_tokens_details={"cached_tokens": 30}), (70, 30, 50, None)),
        (_usage(prompt_cache_hit_tokens=30), (70, 30, 50, None)),
        (_usage(completion_tokens_details={"reasoning_tokens": 20}), (100, None, 30, 20)),
        # beside: the total says so
        (
            _usage(total_tokens=170, completion_tokens_details={"reasoning_tokens": 20}),
            (100, None, 50, 20),
        ),
        (
            _usage(total_tokens=180, prompt_tokens_details={"cached_tokens": 30}),
            (100, 30, 50, None),
        ),
        # a total that nothing explains is thinking
        (_usage(total_tokens=190), (100, None, 50, 40)),
        # impossible counts give way
        (_usage(prompt_tokens_details={"cached_tokens": 130}), (0, 100, 50, None)),
        (_usage(completion_tokens_details={"reasoning_tokens": 60}), (100, None, 0, 50)),
    ],
)
def test_buckets(native: dict[str, Any], buckets: tuple[int | None, ...]) -> None:
    used = chat.usage(native)
    assert (used.input_fresh, used.cache_read, used.output_text, used.output_reasoning) == buckets


def test_media_are_buckets_of_their_own() -> None:
    used = chat.usage(
        _usage(
            prompt_tokens_details={"audio_tokens": 10, "image_tokens": 20, "cached_tokens": 5},
            completion_tokens_details={"audio_tokens": 7, "rejected_prediction_tokens": 3},
        )
    )
    assert used.input_fresh == 65
    assert used.output_text == 40
    assert dict(used.media) == {
        "audio_in": 10,
        "image_in": 20,
        "audio_out": 7,
        "predicted_rejected": 3,
    }
