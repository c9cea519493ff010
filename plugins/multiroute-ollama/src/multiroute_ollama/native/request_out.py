"""A call written as a request of Ollama's own API, with everything that could not be carried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
from multiroute_ollama.native.messages_out import MessageWriter, plain_text
from multiroute_ollama.native.names import FOREIGN, GENERATE, NO_PARAM, OPTIONS, OWN, TOP, WIRE

_EFFORTS: Final = ("low", "medium", "high")
_PLACES: Final[Mapping[tuple[str, str], str]] = {("messages", "user"): "metadata.user_id"}
"""Where a parameter stands in a document of another format, if not under its common name."""


def encode_call(call: Call, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
    """The document for `/api/chat` (for `/api/generate` where the call came in that form), and
    what it could not hold.

    Raises:
        CannotEncode: not a chat, or it goes on with what another provider keeps.
    """
    body = call.body
    if not isinstance(body, ChatBody) or call.operation != "chat":
        raise CannotEncode(f"{call.operation} cannot be sent to this chat API")
    if call.needs_state and call.wire not in OWN:
        raise CannotEncode("the call goes on with state that this API does not keep")
    return _Writer(call, body).write(model)


class _Writer:
    """Writes one request."""

    def __init__(self, call: Call, body: ChatBody) -> None:
        self._call = call
        self._body = body
        self._is_own = call.wire in OWN
        self._spelt: JsonObject = call.doc if self._is_own else EMPTY
        self._losses: list[Loss] = []

    def write(self, model: str) -> tuple[dict[str, Json], tuple[Loss, ...]]:
        body = self._body
        doc: dict[str, Json] = {"model": model}
        if self._call.wire == GENERATE:
            self._prompt(doc)
        else:
            self._messages(doc)
        if not self._is_own or "stream" in self._spelt:
            doc["stream"] = self._call.stream  # left out, it streams
        self._tools(doc)
        if body.choices != 1:
            self._lose("n", "number of answers", "target gives one answer")
        if body.schema is not None:
            self._schema(body.schema, doc)
        if body.reasoning is not None:
            self._reasoning(body.reasoning, doc)
        self._options(doc)
        for name, value in body.extra.items():
            if not self._is_own:
                self._lose(name, "field", FOREIGN)
            elif name != "options":
                doc[name] = value
        return doc, tuple(self._losses)

    def _lose(self, path: str, what: str, why: str) -> None:
        self._losses.append(Loss(path, what, why))

    def _prompt(self, doc: dict[str, Json]) -> None:
        """A single prompt: the form has room for the system's and the user's words only."""
        system, _ = plain_text(self._body.messages, "system")
        prompt, images = plain_text(self._body.messages, "user")
        if prompt is not None:
            doc["prompt"] = prompt
        if system is not None:
            doc["system"] = system
        if images:
            doc["images"] = images

    def _messages(self, doc: dict[str, Json]) -> None:
        names: dict[str, str] = {}
        messages: list[Json] = []
        for number, message in enumerate(self._body.messages):
            writer = MessageWriter(f"messages[{number}]", self._losses, names)
            messages.extend(writer.write(message))
        doc["messages"] = messages

    def _options(self, doc: dict[str, Json]) -> None:
        body = self._body
        options: dict[str, Json] = {}
        for name, value in body.params.items():
            if name in OPTIONS:
                options[name] = value
            elif name in TOP:
                doc[name] = value
            else:
                self._lose(_PLACES.get((self._call.wire, name), name), "parameter", NO_PARAM)
        if body.max_output is not None:
            options["num_predict"] = body.max_output
        if body.stop:
            given = self._spelt.get("options")
            spelt = given.get("stop") if isinstance(given, Mapping) else None
            options["stop"] = spelt if isinstance(spelt, str) else list(body.stop)
        own = body.extra.get("options")
        if self._is_own and isinstance(own, Mapping):
            options.update(own)
        if options or self._spelt.get("options") is not None:
            doc["options"] = options

    def _tools(self, doc: dict[str, Json]) -> None:
        body = self._body
        choice = body.tool_choice
        if body.tools and choice is not None and choice.mode == "none":
            self._lose("tools", "declarations of tools", "none may be called")
        else:
            listed = [self._tool(tool, f"tools[{i}]") for i, tool in enumerate(body.tools)]
            written = [tool for tool in listed if tool is not None]
            if written:
                doc["tools"] = written
        if choice is not None:
            self._tool_choice(choice)
        if body.parallel_tools is not None:
            self._lose("parallel_tool_calls", "parallel tool calls", NO_PARAM)

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
        if tool.strict is not None:
            self._lose(f"{path}.strict", "strict tool", NO_PARAM)
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

    def _tool_choice(self, choice: ToolChoice) -> None:
        if choice.mode in ("required", "tool", "native"):
            self._lose("tool_choice", "tool choice", "target chooses by itself")

    def _schema(self, schema: OutputSchema, doc: dict[str, Json]) -> None:
        if schema.kind == "json_object":
            doc["format"] = "json"
        elif schema.kind == "json_schema":
            doc["format"] = "json" if schema.schema is None else schema.schema
            if schema.description is not None:
                self._lose("response_format.json_schema.description", "description", NO_PARAM)
        if not self._is_own:
            for name in schema.extra:
                self._lose(f"response_format.{name}", "field of a response format", FOREIGN)

    def _reasoning(self, wish: Reasoning, doc: dict[str, Json]) -> None:
        """A switch; some models know words for how much."""
        if wish.origin == WIRE:
            doc["think"] = wish.enabled if wish.effort is None else wish.effort
            return
        if wish.effort == "none" or wish.enabled is False:
            doc["think"] = False
        elif wish.effort in _EFFORTS:
            doc["think"] = wish.effort
        else:
            doc["think"] = True
            if wish.effort is not None:
                self._lose("reasoning.effort", "reasoning effort", "target knows no such word")
        if wish.budget_tokens is not None:
            self._lose("reasoning", "thinking budget in tokens", "target takes words only")
        if wish.summary is not None:
            self._lose("reasoning.summary", "summary of thinking", NO_PARAM)
        for name in wish.extra:
            self._lose(f"reasoning.{name}", "field of the wish to think", FOREIGN)
