"""What a reply tells, in plain values: the common ground of the oracle and of our own reading."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ToolCall:
    """A call of a client's tool. `arguments` are parsed; text that is no JSON stays text. A call
    of the first kind (`function_call`) has no id: `is_legacy`."""

    name: str
    arguments: Any
    id: str | None = None
    is_legacy: bool = False


@dataclass
class Choice:
    """One answer. `finish` is the provider's word; `means` the words of ours that would be right.

    `marks` are strings that must come through somewhere in the answer's parts: signatures,
    encrypted content, code, results of the provider's own tools. `citations` hold, for each
    citation, the strings that identify it. `detailed` is thinking told a second time. `plan` is
    text that may stand in the text, in the thinking or apart.
    """

    text: str = ""
    thinking: str = ""
    detailed: str = ""
    refusal: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    citations: list[tuple[str, ...]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    plan: str = ""
    finish: str | None = None
    means: frozenset[str] = frozenset()


@dataclass
class Counts:
    """Tokens as the provider counts them: `input` and `output` include all their parts.

    None: not told. `totals` are the sums that would be right (a provider may tell two: counted and
    billed). `cost_pusd` is the provider's own price in pico-USD.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    written: int | None = None
    reasoning: int | None = None
    totals: frozenset[int] = frozenset()
    inputs: frozenset[int] = frozenset()
    outputs: frozenset[int] = frozenset()
    cost_pusd: int | None = None


@dataclass
class Told:
    """A whole reply. `error` is the message of an error that stands in it, "" without words.

    `over` says that the reply came to its own end. `result` is the plain value of an operation
    beside chat. `id` and `model` as the provider names them.
    """

    choices: dict[int, Choice] = field(default_factory=dict)
    counts: Counts | None = None
    error: str | None = None
    over: bool = False
    result: Any = None
    id: str | None = None
    model: str | None = None

    def choice(self, number: int = 0) -> Choice:
        return self.choices.setdefault(number, Choice())


def parsed(text: Any) -> Any:
    """Arguments as a value: JSON text parsed, none as no arguments, anything else as it is."""
    if text is None or text == "":
        return {}
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def strings(value: Any) -> list[str]:
    """Every string in a JSON value, in order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [found for member in value.values() for found in strings(member)]
    if isinstance(value, list | tuple):
        return [found for member in value for found in strings(member)]
    return []


def count(source: Any, *names: str) -> int | None:
    """The first of these fields that is a count."""
    if not isinstance(source, dict):
        return None
    for name in names:
        value = source.get(name)
        if isinstance(value, float) and value == int(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


STOP = frozenset({"stop"})
LENGTH = frozenset({"length"})
CALLS = frozenset({"tool_calls"})
FILTER = frozenset({"content_filter", "refusal"})
PAUSE = frozenset({"pause"})
ODD = frozenset({"error", "other"})
_WORDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "finish", "finished"),
        STOP,
    ),
    **dict.fromkeys(
        (
            "length",
            "max_tokens",
            "model_length",
            "max_output_tokens",
            "model_context_window_exceeded",
            "error_limit",
        ),
        LENGTH,
    ),
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call", "function_call"), CALLS),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
            "guardrail_intervened",
            "model_armor",
            "error_toxic",
            "refusal",
        ),
        FILTER,
    ),
    **dict.fromkeys(("pause_turn", "compaction", "queued", "in_progress"), PAUSE | {"other"}),
}


def settle(choice: Choice) -> None:
    """Say what the finish means. Calls of tools without a reason of their own mean tool calls."""
    word = (choice.finish or "stop").lower()
    means = _WORDS.get(word, ODD)
    choice.means = CALLS if choice.calls and means == STOP else means
