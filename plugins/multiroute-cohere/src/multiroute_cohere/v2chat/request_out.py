"""A call written as a Cohere chat request, with everything that could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from multiroute_cohere.v2chat.messages_out import MessageWriter
from multiroute_cohere.v2chat.names import FOREIGN, NO_PARAM, PARAMS, WIRE
from multiroute_cohere.v2chat.request_in import schema_name
from multiroute_core.api import (
    EMPTY,
    Call,
    CannotEncode,
    ChatBody,
    Json,
    JsonObject,
    Loss,
    OutputSchema,
    Reasoning,
    Tool,
    ToolChoice,
)

_ONE_CHOICE: Final = "target gives one answer"
_PLACES: Final[Mapping[tuple[str, str], str]] = {("messages", "user"): "metadata.user_id"}
"""Where a parameter stands in a document of another format, if not under its common name."""


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for Cohere's chat, and what it could not hold.

    Raises:
        CannotEncode: not a chat, or it goes on with what another provider keeps.
    """
    body = call.body
    if not isinstance(body, ChatBody) or call.operation != "chat":
        raise CannotEncode(f"{call.operation} cannot be sent to this chat API")
    if call.needs_state:
        raise CannotEncode("the call goes on with state that this API does not keep")
    return _Writer(call, body).write(model)


class _Writer:
    """Writes one request."""

    def __init__(self, call: Call, body: ChatBody) -> None:
        self._call = call
        self._body = body
        self._is_own = call.wire == WIRE
        self._spelt: JsonObject = call.doc if self._is_own else EMPTY
        self._losses: list[Loss] = []

    def write(self, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
        body = self._body
        documents: list[Json] = []
        messages: list[Json] = []
        for number, message in enumerate(body.messages):
            writer = MessageWriter(f"messages[{number}]", self._losses, documents)
            messages.extend(writer.write(message))
        doc: dict[str, Json] = {"model": model, "messages": messages}
        if self._call.stream or "stream" in self._spelt:
            doc["stream"] = self._call.stream
        self._tools(doc)
        if body.choices != 1:
            self._lose("n", "number of answers", _ONE_CHOICE)
        if body.max_output is not None:
            doc["max_tokens"] = body.max_output
        if body.stop or self._spelt.get("stop_sequences") is not None:
            doc["stop_sequences"] = list(body.stop)
        if body.schema is not None:
            doc["response_format"] = self._schema(body.schema)
        if body.reasoning is not None:
            self._reasoning(body.reasoning, doc)
        for name, value in body.params.items():
            if name in PARAMS:
                doc[PARAMS[name]] = value
            else:
                self._lose(_PLACES.get((self._call.wire, name), name), "parameter", NO_PARAM)
        self._rest(doc, documents)
        return doc, tuple(self._losses)

    def _lose(self, path: str, what: str, why: str) -> None:
        self._losses.append(Loss(path, what, why))

    def _rest(self, doc: dict[str, Json], documents: list[Json]) -> None:
        for name, value in self._body.extra.items():
            if self._is_own:
                doc[name] = value
            else:
                self._lose(name, "field", FOREIGN)
        if documents:
            given = doc.get("documents")
            there = given if isinstance(given, Sequence) and not isinstance(given, str) else ()
            doc["documents"] = [*there, *documents]

    def _tools(self, doc: dict[str, Json]) -> None:
        body = self._body
        listed: list[Json] = []
        written: list[Tool] = []
        for number, tool in enumerate(body.tools):
            one = self._tool(tool, f"tools[{number}]")
            if one is not None:
                listed.append(one)
                written.append(tool)
        if listed:
            doc["tools"] = listed
            self._strict(written, doc)
        if body.tool_choice is not None:
            self._tool_choice(body.tool_choice, doc)
        if body.parallel_tools is not None:
            self._lose("parallel_tool_calls", "parallel tool calls", NO_PARAM)

    def _strict(self, tools: Sequence[Tool], doc: dict[str, Json]) -> None:
        """One switch for all tools here: on if each of them wants it."""
        wishes = {tool.strict for tool in tools}
        if wishes == {True}:
            doc["strict_tools"] = True
        elif self._is_own and wishes == {False}:
            doc["strict_tools"] = False
        elif True in wishes:
            for number, tool in enumerate(self._body.tools):
                if tool.strict:
                    self._lose(f"tools[{number}].strict", "strict tool", "it is one for all tools")

    def _tool(self, tool: Tool, path: str) -> Json:
        if tool.kind != "function":
            if tool.origin == WIRE:
                return tool.extra
            self._lose(path, f"tool of kind {tool.kind}", FOREIGN)
            return None
        function: dict[str, Json] = {"name": tool.name}
        if tool.description is not None:
            function["description"] = tool.description
        if tool.schema is not None:
            function["parameters"] = tool.schema
        elif tool.origin != WIRE:
            function["parameters"] = {"type": "object", "properties": {}}
        written: dict[str, Json] = {"type": "function", "function": function}
        if tool.cache is not None:
            self._lose(f"{path}.cache_control", "cache mark", NO_PARAM)
        for name, value in tool.extra.items():
            if tool.origin not in (None, WIRE):
                self._lose(f"{path}.{name}", "tool field", FOREIGN)
            elif name == "function" and isinstance(value, Mapping):
                function.update(value)
            else:
                written[name] = value
        return written

    def _tool_choice(self, choice: ToolChoice, doc: dict[str, Json]) -> None:
        if choice.mode == "none":
            doc["tool_choice"] = "NONE"
        elif choice.mode in ("required", "tool"):
            doc["tool_choice"] = "REQUIRED"
            if choice.mode == "tool":
                self._lose("tool_choice", "name of the tool", "target cannot be told which tool")
        elif choice.mode == "native":
            if choice.origin != WIRE:
                self._lose("tool_choice", "tool choice", FOREIGN)
                return
            doc["tool_choice"] = choice.extra["choice"]
            return
        if choice.origin not in (None, WIRE):
            for name in choice.extra:
                self._lose(f"tool_choice.{name}", "field of a tool choice", FOREIGN)

    def _schema(self, schema: OutputSchema) -> dict[str, Json]:
        written: dict[str, Json] = {"type": "text" if schema.kind == "text" else "json_object"}
        if schema.kind == "json_schema":
            given = self._spelt.get("response_format")
            name = schema_name(given) if isinstance(given, Mapping) else "json_schema"
            if schema.schema is not None:
                written[name] = schema.schema
            if schema.description is not None:
                self._lose("response_format.json_schema.description", "description", NO_PARAM)
        if self._is_own:
            written.update(schema.extra)
        else:
            for name in schema.extra:
                self._lose(f"response_format.{name}", "field of a response format", FOREIGN)
        return written

    def _reasoning(self, wish: Reasoning, doc: dict[str, Json]) -> None:
        """A switch and a budget. Models that think do so unless told otherwise, and others refuse
        the field: a word for how much is no reason to send it."""
        is_enabled = wish.enabled
        if wish.effort == "none":
            is_enabled = False
        elif wish.effort is not None:
            self._lose("reasoning.effort", "reasoning effort", "target takes a budget in tokens")
        thinking: dict[str, Json] = {}
        if is_enabled is not None or wish.budget_tokens is not None:
            thinking["type"] = "disabled" if is_enabled is False else "enabled"
        if wish.budget_tokens is not None:
            thinking["token_budget"] = wish.budget_tokens
        if wish.origin == WIRE:
            if is_enabled is None:
                thinking.pop("type", None)
            thinking.update(wish.extra)
        else:
            for name in wish.extra:
                self._lose(f"reasoning.{name}", "field of the wish to think", FOREIGN)
        if wish.summary is not None:
            self._lose("reasoning.summary", "summary of thinking", NO_PARAM)
        if thinking:
            doc["thinking"] = thinking
