"""How much to think, in the words that each model takes."""

from __future__ import annotations

from typing import Any

import pytest

from multiroute_core.wire import chat, messages

_ADAPTIVE = {"type": "adaptive"}


def _from_chat(model: str, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    call = chat.decode_call(
        {"model": "alias", "messages": [{"role": "user", "content": "x"}], **fields}
    )
    doc, losses = messages.encode_call(call, model, 4096)
    return dict(doc), [loss.what for loss in losses]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config", "losses"),
    [
        ("claude-sonnet-4-5", "low", {"type": "enabled", "budget_tokens": 2048}, None, 1),
        ("claude-3-7-sonnet-20250219", "high",
         {"type": "enabled", "budget_tokens": 16384}, None, 1),
        ("claude-sonnet-4-6", "medium", _ADAPTIVE, {"effort": "medium"}, 0),
        ("claude-opus-4-6", "xhigh", _ADAPTIVE, {"effort": "high"}, 1),
        ("claude-opus-4-7", "xhigh", _ADAPTIVE, {"effort": "xhigh"}, 0),
        ("claude-opus-4-8", "minimal", _ADAPTIVE, {"effort": "low"}, 1),
        ("claude-fable-5-1", "high", _ADAPTIVE, {"effort": "high"}, 0),
        ("claude-opus-4-8", "none", {"type": "disabled"}, None, 0),
        ("claude-fable-5", "none", None, None, 1),
        ("some-other-model", "medium", {"type": "enabled", "budget_tokens": 8192}, None, 1),
    ],
)  # fmt: skip
def test_an_effort_is_told_in_the_model_s_own_way(
    model: str, effort: str, thinking: Any, config: Any, losses: int
) -> None:
    doc, told = _from_chat(model, reasoning_effort=effort)
    assert doc.get("thinking") == thinking
    assert doc.get("output_config") == config
    assert len(told) == losses


def test_a_budget_leaves_room_for_the_answer() -> None:
    doc, _ = _from_chat("claude-sonnet-4-5", reasoning_effort="high")
    assert doc["max_tokens"] == 16384 + 4096
    doc, _ = _from_chat("claude-sonnet-4-5", reasoning_effort="high", max_tokens=4000)
    assert doc["thinking"]["budget_tokens"] == 2000
    doc, losses = _from_chat("claude-sonnet-4-5", reasoning_effort="high", max_tokens=500)
    assert "thinking" not in doc
    assert "thinking" in losses


def test_a_forced_tool_is_called_without_thinking() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    doc, losses = _from_chat(
        "claude-sonnet-4-5", reasoning_effort="high", tools=[tool], tool_choice="required"
    )
    assert "thinking" not in doc
    assert doc["tool_choice"] == {"type": "any"}
    assert losses == ["thinking"]


def test_a_model_without_sampling_gets_none() -> None:
    doc, losses = _from_chat("claude-opus-4-8", temperature=0.2, top_p=1)
    assert "temperature" not in doc
    assert doc["top_p"] == 1
    assert losses == ["parameter"]


def _own(model: str, **fields: Any) -> tuple[dict[str, Any], int]:
    call = messages.decode_call(
        {
            "model": "alias",
            "max_tokens": 9000,
            "messages": [{"role": "user", "content": "x"}],
            **fields,
        }
    )
    doc, losses = messages.encode_call(call, model, 4096)
    return dict(doc), len(losses)


def test_a_budget_becomes_an_effort_where_the_model_takes_no_budget() -> None:
    thinking = {"type": "enabled", "budget_tokens": 5000, "display": "summarized"}
    doc, losses = _own("claude-opus-4-8", thinking=thinking)
    assert doc["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert doc["output_config"] == {"effort": "medium"}
    assert losses == 1


def test_adaptive_thinking_becomes_a_budget_where_the_model_takes_no_other() -> None:
    doc, losses = _own("claude-sonnet-4-5", thinking=_ADAPTIVE)
    assert doc["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert losses == 1


def test_what_the_model_takes_stays_as_it_is() -> None:
    for model in ("claude-sonnet-4-5", "claude-sonnet-4-6"):
        thinking = {"type": "enabled", "budget_tokens": 5000}
        doc, losses = _own(model, thinking=thinking)
        assert doc["thinking"] == thinking
        assert losses == 0
    doc, losses = _own("claude-opus-4-8", thinking=_ADAPTIVE, output_config={"effort": "max"})
    assert doc["thinking"] == _ADAPTIVE
    assert doc["output_config"] == {"effort": "max"}
    assert losses == 0


def test_an_effort_alone_does_not_switch_thinking_on() -> None:
    doc, losses = _own("claude-opus-4-6", output_config={"effort": "low"})
    assert "thinking" not in doc
    assert doc["output_config"] == {"effort": "low"}
    assert losses == 0
    doc, losses = _own("claude-opus-4-5", output_config={"effort": "low"})
    assert "thinking" not in doc
    assert doc["output_config"] == {"effort": "low"}
    doc, losses = _own("claude-sonnet-4-5", output_config={"effort": "low"})
    assert "output_config" not in doc
    assert "thinking" not in doc
    assert losses == 1


def test_a_chat_client_s_own_thinking_object_stands() -> None:
    off = {"type": "disabled"}
    doc, _ = _from_chat("claude-sonnet-4-5", reasoning_effort="high", thinking=off)
    assert doc["thinking"] == off
    doc, _ = _from_chat("claude-sonnet-4-5", reasoning_effort="low", thinking={"type": "enabled"})
    assert doc["thinking"] == {"type": "enabled", "budget_tokens": 2048}
