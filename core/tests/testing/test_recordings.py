"""Recordings are read from their folder as frozen values, and mistakes name their place."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from multiroute_core.testing import Recording, Recordings


def line(recording_id: str = "r1", **changes: Any) -> dict[str, Any]:
    """A made-up exchange in the recordings' format; changes go into the record's top level."""
    record: dict[str, Any] = {
        "id": recording_id,
        "provider": "acme",
        "api": "chat.completions",
        "model": "m1",
        "request": {
            "method": "POST",
            "url": "https://api.acme.example/v1/chat/completions?x=%20y",
            "headers": {"Content-Type": "application/json"},
            "encoding": "text",
            "body": '{"model":"m1"}',
        },
        "response": {
            "status": 200,
            "reason": "OK",
            "headers": {"content-type": "application/json"},
            "encoding": "text",
            "body": '{"ok":true}',
            "streamed": False,
            "stream_format": None,
        },
        "sequence": {"id": "s1", "pos": 0, "len": 1},
        "tags": ["tools"],
        "finish_reasons": ["stop"],
        "notes": [],
        "source": {"repo": "acme/acme"},
    }
    return {**record, **changes}


def write(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_line_becomes_a_frozen_recording() -> None:
    item = Recording.from_json(line())
    assert (item.id, item.provider, item.model, item.sequence_id) == ("r1", "acme", "m1", "s1")
    assert item.request.target == "/v1/chat/completions?x=%20y"
    assert item.request.headers == (("content-type", "application/json"),)
    assert item.request.body == b'{"model":"m1"}'
    assert not item.request.is_redacted
    assert (item.response.status, item.response.body) == (200, b'{"ok":true}')
    assert item.tags == {"tools"}
    assert item.extra["source"] == {"repo": "acme/acme"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.id = "other"  # type: ignore[misc]  # the mistake under test


def test_base64_bodies_are_decoded() -> None:
    record = line()
    body = base64.b64encode(b"\xff\x00").decode()
    record["response"] |= {"encoding": "base64", "body": body}
    assert Recording.from_json(record).response.body == b"\xff\x00"


def test_left_out_bodies_are_known_as_redacted() -> None:
    omitted, noted = line(), line(notes=["empty-request-body"])
    omitted["request"]["body"] = "[multipart form data omitted]"
    assert Recording.from_json(omitted).request.is_redacted
    assert Recording.from_json(noted).request.is_redacted


@pytest.mark.parametrize("place", ["dev", ""])
def test_a_folder_is_read_with_or_without_dev(tmp_path: Path, place: str) -> None:
    write(tmp_path / place / "acme.chat.completions.jsonl", line("a"), line("b"))
    write(tmp_path / place / "sequences.jsonl", {"id": "s1"})
    write(tmp_path / place / "response_only.x.jsonl", {"id": "odd"})
    recordings = Recordings.load(tmp_path)
    assert [item.id for item in recordings] == ["a", "b"]
    assert len(recordings) == 2
    assert recordings.by_id("b").id == "b"
    with pytest.raises(KeyError):
        recordings.by_id("c")


def test_provider_and_api_choose_among_the_files(tmp_path: Path) -> None:
    write(tmp_path / "acme.messages.jsonl", line("a", api="messages"))
    write(tmp_path / "acme.models.jsonl", line("b", api="models"))
    write(tmp_path / "acme-two.messages.jsonl", line("c", provider="acme-two", api="messages"))

    def ids(**choice: str) -> list[str]:
        return sorted(item.id for item in Recordings.load(tmp_path, **choice))

    assert ids() == ["a", "b", "c"]
    assert ids(provider="acme") == ["a", "b"]
    assert ids(api="messages") == ["a", "c"]
    assert ids(provider="acme", api="messages") == ["a"]
    with pytest.raises(FileNotFoundError, match=r"no recordings other\.\*\.jsonl"):
        ids(provider="other")


def test_a_broken_line_is_named_with_its_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "acme.x.jsonl"
    write(path, line(), {"id": "half"})
    with pytest.raises(ValueError, match=r"acme\.x\.jsonl:2: not a recording: the key 'request'"):
        Recordings.load(tmp_path)
    path.write_text("{nonsense\n")
    with pytest.raises(ValueError, match=r"acme\.x\.jsonl:1: not a recording"):
        Recordings.load(tmp_path)


def test_sequences_are_in_their_own_order() -> None:
    def at(recording_id: str, sequence: str | None, pos: int) -> Recording:
        return Recording.from_json(line(recording_id, sequence={"id": sequence, "pos": pos}))

    recordings = Recordings([at("b", "s", 1), at("x", None, 0), at("a", "s", 0), at("c", "t", 0)])
    in_order = {key: [item.id for item in items] for key, items in recordings.sequences().items()}
    assert in_order == {"s": ["a", "b"], "t": ["c"]}


def test_all_shared_recordings_can_be_read(wire: Path) -> None:
    recordings = Recordings.load(wire)
    assert len(recordings) > 2000
    assert len({item.id for item in recordings}) == len(recordings)
    assert {item.provider for item in Recordings.load(wire / "dev", provider="openai")} == {
        "openai"
    }
