"""Chat completions, whole and streamed, from whoever speaks them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .framing import Frame
from .told import Choice, Counts, Told, ToolCall, count, parsed, settle


def read(frames: Sequence[Frame]) -> Told:
    """What the frames of one reply tell."""
    told = Told()
    usage: dict[str, Any] = {}
    raw: dict[int, list[dict[str, Any]]] = {}
    is_whole = len(frames) == 1
    for frame in frames:
        if frame.text.strip() == "[DONE]":
            told.over = True
            continue
        doc = json.loads(frame.text, parse_float=Decimal)
        error = doc.get("error")
        if error or (frame.name == "error" and not doc.get("choices")):
            told.error = message_of(doc)
        told.id = told.id or doc.get("id")
        told.model = told.model or doc.get("model")
        for given in doc.get("choices") or ():
            number = given.get("index") or 0
            choice = told.choice(number)
            delta = given.get("delta") or given.get("message") or {}
            _delta(choice, delta, raw.setdefault(number, []))
            logged = given.get("logprobs") or {}
            choice.tokens += [token["token"] for token in logged.get("content") or ()]
            reason = given.get("finish_reason")
            if reason and not choice.finish:
                choice.finish = reason
        vendor = doc.get("x_groq")
        found = doc.get("usage") or (vendor.get("usage") if isinstance(vendor, dict) else None)
        if found:
            usage.update((k, v) for k, v in found.items() if v is not None)
    for number, choice in told.choices.items():
        choice.calls = [
            ToolCall(call["name"], parsed(call["arguments"]), call["id"], call["legacy"])
            for call in raw[number]
        ]
        # The same thinking, told twice: plainly and with its signatures.
        choice.thinking = max(choice.thinking, choice.detailed, key=len)
        if choice.finish is None and (told.over or is_whole):
            choice.finish = ""
        settle(choice)
    told.counts = counts(usage) if usage else None
    return told


def message_of(doc: dict[str, Any]) -> str:
    """The words of an error object."""
    error = doc.get("error", doc)
    if isinstance(error, str):
        return error
    if isinstance(error, dict):
        return str(error.get("message") or "")
    return ""


def _delta(choice: Choice, delta: dict[str, Any], raw: list[dict[str, Any]]) -> None:
    for detail in delta.get("reasoning_details") or ():
        choice.detailed += detail.get("text") or detail.get("summary") or ""
        choice.marks += [detail[key] for key in ("signature", "data") if detail.get(key)]
    choice.thinking += delta.get("reasoning_content") or delta.get("reasoning") or ""
    content = delta.get("content")
    if isinstance(content, str):
        choice.text += content
    elif isinstance(content, list):
        for piece in content:
            _piece(choice, piece)
    choice.refusal += delta.get("refusal") or ""
    for note in delta.get("annotations") or ():
        cited = note.get("url_citation") or note
        choice.citations.append(tuple(cited[key] for key in ("url", "title") if cited.get(key)))
    audio = delta.get("audio") or {}
    choice.marks += [audio[key] for key in ("transcript", "data") if audio.get(key)]
    signature = delta.get("thought_signature")
    choice.marks += [signature] if signature else []
    for call in delta.get("tool_calls") or ():
        _call(call, raw)
    legacy = delta.get("function_call")
    if legacy and (legacy.get("name") or legacy.get("arguments")):
        _call({"index": 0, "function": legacy, "legacy": True}, raw)


def _piece(choice: Choice, piece: dict[str, Any]) -> None:
    if piece.get("type") == "text":
        choice.text += piece["text"]
    elif piece.get("type") == "thinking":
        inner = piece["thinking"]
        choice.thinking += inner if isinstance(inner, str) else "".join(i["text"] for i in inner)
    else:
        choice.marks.append(str(piece.get("type")))


def _call(call: dict[str, Any], raw: list[dict[str, Any]]) -> None:
    function = call.get("function") or call.get("custom") or {}
    own, index, name = call.get("id") or None, call.get("index"), function.get("name")
    open_call = None
    for known in raw:
        if own is not None and known["id"] == own:
            open_call = known
    if open_call is None and index is not None:
        for known in raw:
            if known["index"] == index and not (own is not None and name):
                open_call = known
    if open_call is None and index is None and own is None and not name and raw:
        open_call = raw[-1]
    if open_call is None:
        open_call = {"id": own, "index": index, "name": name or "", "arguments": ""}
        open_call["legacy"] = bool(call.get("legacy"))
        raw.append(open_call)
    given = function.get("arguments", function.get("input"))
    if isinstance(given, str):
        open_call["arguments"] += given
    elif given is not None:
        open_call["arguments"] = json.dumps(given)


def counts(usage: dict[str, Any]) -> Counts:
    """A usage object. What the total has beyond prompt and completion is thinking."""
    of_input = usage.get("prompt_tokens_details") or {}
    of_output = usage.get("completion_tokens_details") or {}
    prompt, completion = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    total = count(usage, "total_tokens")
    reasoning = count(of_output, "reasoning_tokens")
    if reasoning is None:
        reasoning = count(usage, "reasoning_tokens")
    cached = count(of_input, "cached_tokens")
    if cached is None:
        cached = count(usage, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")
    output = completion
    if None not in (total, prompt, completion) and total > prompt + completion:  # type: ignore[operator]  # None is out
        output = total - prompt  # type: ignore[operator]  # None is out
        reasoning = reasoning or output - completion  # type: ignore[operator]  # None is out
    if reasoning is not None and output is not None and reasoning > output:
        reasoning = None
    if cached is not None and prompt is not None and cached > prompt:
        cached = None
    sums = frozenset() if total is None else frozenset({total})
    return Counts(
        prompt,
        output,
        cached,
        count(of_input, "cache_write_tokens", "cache_creation_tokens"),
        reasoning,
        sums,
        cost_pusd=cost_of(usage),
    )


def cost_of(usage: dict[str, Any]) -> int | None:
    """The provider's price in pico-USD: a figure, a table with a total, or ticks of 1e-10 USD."""
    ticks = usage.get("cost_in_usd_ticks")
    if isinstance(ticks, int):
        return ticks * 100
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    if isinstance(cost, int | float | Decimal) and not isinstance(cost, bool):
        return int((Decimal(str(cost)) * 10**12).to_integral_value())
    return None


def last_needed(frames: Sequence[Frame]) -> int | None:
    """The number of the frame without which the reply is cut short: the last that finishes a
    choice for the first time, or the end mark where no choice names a reason."""
    seen: set[int] = set()
    found: int | None = None
    done: int | None = None
    for at, frame in enumerate(frames):
        if frame.text.strip() == "[DONE]":
            done = at
            continue
        for given in frame.doc.get("choices") or ():
            number = given.get("index") or 0
            if given.get("finish_reason") and number not in seen:
                seen.add(number)
                found = at
    return done if found is None else found
