"""The event-stream cases of the shared data, each whole and byte by byte: 54 of 54."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from multiroute_core.wire.sse import SseEvent, SseParser

_ROOT = Path(__file__).resolve().parents[2]
_FILE = (
    Path(os.environ.get("MULTIROUTE_SHARED") or _ROOT.parent / "shared") / "data/sse/vectors.json"
)


def _cases() -> list[dict[str, object]]:
    return json.loads(_FILE.read_text(encoding="utf-8"))["cases"] if _FILE.is_file() else []


def _read(pieces: Sequence[bytes]) -> list[list[str]]:
    parser = SseParser()
    events: list[SseEvent] = []
    for piece in pieces:
        events += parser.feed(piece)
    events += parser.close()
    return [[event.event, event.data] for event in events]


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["n"])
def test_the_parser_reads_what_the_standard_says(case, cut):
    body = case["in"].encode("latin-1")
    pieces = [body] if cut == "whole" else [body[at : at + 1] for at in range(len(body))]
    assert _read(pieces) == case["out"]


def test_there_are_54_cases(shared):
    assert 2 * len(_cases()) == 54
