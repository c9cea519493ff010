"""Log probabilities: the format's shape in the common one, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from multiroute_core.api import Json, JsonObject


def _rows(holder: Json, name: str) -> list[JsonObject]:
    rows = holder.get(name) if isinstance(holder, Mapping) else None
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        return []
    return [row for row in rows if isinstance(row, Mapping)]


def _token(row: JsonObject) -> dict[str, Json]:
    token = str(row.get("token") or "")
    value = row.get("logProbability")
    return {
        "token": token,
        "logprob": value if isinstance(value, (int, float)) else 0.0,
        "bytes": list(token.encode()),
    }


def read_logprobs(result: JsonObject) -> JsonObject:
    """A `logprobsResult` as a list of tokens, each with its alternatives."""
    top = _rows(result, "topCandidates")
    content: list[Json] = []
    for number, row in enumerate(_rows(result, "chosenCandidates")):
        others = _rows(top[number], "candidates") if number < len(top) else []
        content.append({**_token(row), "top_logprobs": [_token(other) for other in others]})
    return {"content": content}


def write_logprobs(blocks: Sequence[JsonObject]) -> dict[str, Json]:
    """A `logprobsResult` of the common shape."""
    chosen: list[Json] = []
    top: list[Json] = []
    for block in blocks:
        for row in _rows(block, "content"):
            chosen.append(_native(row))
            top.append({"candidates": [_native(other) for other in _rows(row, "top_logprobs")]})
    return {"chosenCandidates": chosen, "topCandidates": top}


def _native(row: JsonObject) -> dict[str, Json]:
    return {"token": row.get("token"), "logProbability": row.get("logprob")}
