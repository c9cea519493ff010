"""Requests of the three chat dialects with unknown and rarely used fields, each with a mark that
can be found again. Made from a seed alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

DATA_B64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"


class Marks:
    """Values that occur nowhere else: words and numbers."""

    def __init__(self, seed: str) -> None:
        self.dice = random.Random(seed)
        self._count = 0

    def word(self) -> str:
        self._count += 1
        return f"qz{self.dice.randrange(10**6):06d}x{self._count}"

    def part(self) -> float:
        """A number between 0 and 1 that nothing else is."""
        self._count += 1
        return round(0.2 + self.dice.randrange(10**5) / 10**6 + self._count / 10**4, 6)

    def whole(self) -> int:
        self._count += 1
        return 50_000 + self.dice.randrange(40_000)

    def maybe(self, chance: float = 0.35) -> bool:
        return self.dice.random() < chance

    def unknown(self, target: dict[str, Any], chance: float = 0.35) -> None:
        """A field that no API has, sometimes with structure."""
        if self.maybe(chance):
            value: Any = self.word()
            if self.maybe(0.3):
                value = {"deep": [value]}
            target[f"x_{self.word()}"] = value


def _schema(marks: Marks) -> dict[str, Any]:
    name = marks.word()
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": marks.word()}},
        "required": [name],
        "additionalProperties": False,
    }


def _put(target: dict[str, Any], marks: Marks, choices: dict[str, Callable[[], Any]]) -> None:
    for name, make in choices.items():
        if marks.maybe():
            target[name] = make()


def chat(seed: str) -> dict[str, Any]:
    """A chat completions request."""
    marks = Marks(f"chat:{seed}")
    user: list[dict[str, Any]] = [{"type": "text", "text": marks.word()}]
    marks.unknown(user[0])
    if marks.maybe():
        user[0]["cache_control"] = {"type": "ephemeral"}
    if marks.maybe():
        image = {"url": f"https://example.com/{marks.word()}.png"}
        if marks.maybe():
            image["detail"] = "low"
        user.append({"type": "image_url", "image_url": image})
    if marks.maybe(0.2):
        user.append({"type": "input_audio", "input_audio": {"data": DATA_B64, "format": "wav"}})
    if marks.maybe(0.2):
        file = {
            "filename": f"{marks.word()}.pdf",
            "file_data": f"data:application/pdf;base64,{DATA_B64}",
        }
        user.append({"type": "file", "file": file})
    if marks.maybe(0.15):
        user.append({"type": f"x_{marks.word()}", "payload": marks.word()})
    system: dict[str, Any] = {
        "role": marks.dice.choice(["system", "developer"]),
        "content": marks.word(),
    }
    asked: dict[str, Any] = {"role": "user", "content": user}
    for message in (system, asked):
        marks.unknown(message, 0.2)
        if marks.maybe(0.25):
            message["name"] = marks.word()
    messages = [system, asked]
    document: dict[str, Any] = {"model": "m", "messages": messages}
    if marks.maybe(0.6):
        name = marks.word()
        function: dict[str, Any] = {"name": name, "description": marks.word()}
        function["parameters"] = _schema(marks)
        if marks.maybe():
            function["strict"] = True
        marks.unknown(function, 0.2)
        tool: dict[str, Any] = {"type": "function", "function": function}
        marks.unknown(tool, 0.2)
        document["tools"] = [tool]
        if marks.maybe(0.25):
            document["tools"].append({"type": "custom", "custom": {"name": marks.word()}})
        if marks.maybe():
            document["tool_choice"] = {"type": "function", "function": {"name": name}}
        _put(document, marks, {"parallel_tool_calls": lambda: False})
        call = {
            "id": f"call_{marks.word()}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps({"a": marks.word()})},
        }
        marks.unknown(call, 0.2)
        said: dict[str, Any] = {"role": "assistant", "content": marks.word(), "tool_calls": [call]}
        if marks.maybe(0.25):
            said["reasoning_content"] = marks.word()
        answer: dict[str, Any] = {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": marks.word(),
        }
        marks.unknown(said, 0.2)
        marks.unknown(answer, 0.2)
        messages += [said, answer]
    _put(
        document,
        marks,
        {
            "temperature": marks.part,
            "top_p": marks.part,
            "top_k": marks.whole,
            "min_p": marks.part,
            "seed": marks.whole,
            "frequency_penalty": marks.part,
            "presence_penalty": marks.part,
            "logit_bias": lambda: {"4242": 7},
            "logprobs": lambda: True,
            "top_logprobs": lambda: 4,
            "user": marks.word,
            "metadata": lambda: {marks.word(): marks.word()},
            "service_tier": lambda: "flex",
            "store": lambda: True,
            "stop": lambda: [marks.word(), marks.word()],
            "n": lambda: 3,
            "max_tokens": marks.whole,
            "modalities": lambda: ["text", "audio"],
            "audio": lambda: {"voice": marks.word(), "format": "wav"},
            "prediction": lambda: {"type": "content", "content": marks.word()},
            "verbosity": lambda: "low",
            "prompt_cache_key": marks.word,
            "safety_identifier": marks.word,
            "web_search_options": lambda: {"search_context_size": "low"},
            "reasoning_effort": lambda: "high",
            "response_format": lambda: {
                "type": "json_schema",
                "json_schema": {
                    "name": marks.word(),
                    "description": marks.word(),
                    "schema": _schema(marks),
                    "strict": True,
                },
            },
        },
    )
    marks.unknown(document, 0.7)
    return document


def messages(seed: str) -> dict[str, Any]:
    """A messages request."""
    marks = Marks(f"messages:{seed}")
    user: list[dict[str, Any]] = [{"type": "text", "text": marks.word()}]
    marks.unknown(user[0])
    if marks.maybe():
        user[0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    if marks.maybe():
        source = {"type": "base64", "media_type": "image/png", "data": DATA_B64}
        user.append({"type": "image", "source": source})
    if marks.maybe(0.3):
        document_block: dict[str, Any] = {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": marks.word()},
            "title": marks.word(),
            "context": marks.word(),
            "citations": {"enabled": True},
        }
        user.append(document_block)
    if marks.maybe(0.15):
        user.append({"type": f"x_{marks.word()}", "payload": marks.word()})
    turns: list[dict[str, Any]] = [{"role": "user", "content": user}]
    document: dict[str, Any] = {"model": "m", "max_tokens": marks.whole(), "messages": turns}
    if marks.maybe(0.6):
        block: dict[str, Any] = {"type": "text", "text": marks.word()}
        if marks.maybe():
            block["cache_control"] = {"type": "ephemeral"}
        marks.unknown(block, 0.2)
        document["system"] = marks.dice.choice([block["text"], [block]])
    if marks.maybe(0.6):
        name = marks.word()
        tool: dict[str, Any] = {"name": name, "description": marks.word()}
        tool["input_schema"] = _schema(marks)
        if marks.maybe():
            tool["cache_control"] = {"type": "ephemeral"}
        marks.unknown(tool, 0.2)
        document["tools"] = [tool]
        if marks.maybe(0.3):
            server = {"type": "web_search_20250305", "name": "web_search", "max_uses": 7}
            server["allowed_domains"] = [f"{marks.word()}.com"]  # type: ignore[assignment]  # JSON
            document["tools"].append(server)
        if marks.maybe():
            document["tool_choice"] = {
                "type": "tool",
                "name": name,
                "disable_parallel_tool_use": True,
            }
        use = {"type": "tool_use", "id": f"toolu_{marks.word()}", "name": name}
        use["input"] = {"a": marks.word()}  # type: ignore[assignment]  # JSON
        said: list[dict[str, Any]] = [{"type": "text", "text": marks.word()}, use]
        if marks.maybe(0.3):
            thought = {"type": "thinking", "thinking": marks.word(), "signature": marks.word()}
            said.insert(0, thought)
        answer: dict[str, Any] = {
            "type": "tool_result",
            "tool_use_id": use["id"],
            "content": [{"type": "text", "text": marks.word()}],
        }
        if marks.maybe():
            answer["is_error"] = True
        marks.unknown(answer, 0.2)
        turns += [{"role": "assistant", "content": said}, {"role": "user", "content": [answer]}]
    _put(
        document,
        marks,
        {
            "temperature": marks.part,
            "top_p": marks.part,
            "top_k": marks.whole,
            "stop_sequences": lambda: [marks.word()],
            "metadata": lambda: {"user_id": marks.word()},
            "service_tier": lambda: "standard_only",
            "thinking": lambda: {"type": "enabled", "budget_tokens": marks.whole()},
            "container": marks.word,
            "mcp_servers": lambda: [
                {"type": "url", "url": f"https://{marks.word()}.com", "name": marks.word()}
            ],
            "context_management": lambda: {"edits": [{"type": marks.word()}]},
        },
    )
    marks.unknown(document, 0.7)
    return document


def responses(seed: str) -> dict[str, Any]:
    """A responses request."""
    marks = Marks(f"responses:{seed}")
    content: list[dict[str, Any]] = [{"type": "input_text", "text": marks.word()}]
    marks.unknown(content[0], 0.2)
    if marks.maybe():
        content.append(
            {
                "type": "input_image",
                "image_url": f"https://example.com/{marks.word()}.png",
                "detail": "low",
            }
        )
    if marks.maybe(0.25):
        file = {"type": "input_file", "filename": f"{marks.word()}.pdf"}
        file["file_data"] = f"data:application/pdf;base64,{DATA_B64}"
        content.append(file)
    items: list[dict[str, Any]] = [{"role": "user", "content": content}]
    marks.unknown(items[0], 0.2)
    document: dict[str, Any] = {"model": "m", "input": items}
    if marks.maybe(0.6):
        name = marks.word()
        tool: dict[str, Any] = {
            "type": "function",
            "name": name,
            "description": marks.word(),
            "parameters": _schema(marks),
            "strict": True,
        }
        marks.unknown(tool, 0.2)
        document["tools"] = [tool]
        if marks.maybe(0.3):
            document["tools"].append({"type": "web_search", "search_context_size": "low"})
        if marks.maybe(0.3):
            custom = {"type": "custom", "name": marks.word(), "description": marks.word()}
            document["tools"].append(custom)
        if marks.maybe():
            document["tool_choice"] = {"type": "function", "name": name}
        _put(document, marks, {"parallel_tool_calls": lambda: False, "max_tool_calls": lambda: 7})
        if marks.maybe(0.3):
            items.append(
                {
                    "type": "reasoning",
                    "id": f"rs_{marks.word()}",
                    "summary": [{"type": "summary_text", "text": marks.word()}],
                    "encrypted_content": marks.word(),
                }
            )
        call_id = f"call_{marks.word()}"
        items.append(
            {
                "type": "function_call",
                "call_id": call_id,
                "name": name,
                "arguments": json.dumps({"a": marks.word()}),
            }
        )
        items.append({"type": "function_call_output", "call_id": call_id, "output": marks.word()})
    _put(
        document,
        marks,
        {
            "instructions": marks.word,
            "temperature": marks.part,
            "top_p": marks.part,
            "top_logprobs": lambda: 4,
            "max_output_tokens": marks.whole,
            "metadata": lambda: {marks.word(): marks.word()},
            "user": marks.word,
            "store": lambda: False,
            "truncation": lambda: "auto",
            "include": lambda: ["reasoning.encrypted_content"],
            "reasoning": lambda: {"effort": "high", "summary": "detailed"},
            "service_tier": lambda: "flex",
            "prompt_cache_key": marks.word,
            "prompt_cache_retention": lambda: "24h",
            "safety_identifier": marks.word,
            "background": lambda: True,
            "text": lambda: {
                "format": {
                    "type": "json_schema",
                    "name": marks.word(),
                    "schema": _schema(marks),
                    "strict": True,
                },
                "verbosity": "low",
            },
        },
    )
    marks.unknown(document, 0.7)
    return document


MAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "chat": chat,
    "responses": responses,
    "messages": messages,
}
