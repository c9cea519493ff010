"""Streams for clients of the responses format."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from multiroute_core.api.call import Call
from multiroute_core.api.events import (
    Delta,
    Event,
    Finish,
    Opaque,
    PartEnd,
    PartStart,
    Start,
    Used,
)
from multiroute_core.api.faults import Fault, Loss
from multiroute_core.api.json import Json
from multiroute_core.api.usage import Usage, merged
from multiroute_core.wire.responses.output_items import (
    encrypted_again,
    ending,
    error,
    head,
    is_spoken,
    lost_part,
    stem,
    wrapper,
)
from multiroute_core.wire.responses.reply_out import ONE_CHOICE
from multiroute_core.wire.responses.stream_items import (
    OutCall,
    OutItem,
    OutMessage,
    OutNative,
    OutReasoning,
    Tell,
)
from multiroute_core.wire.responses.thinking import WIRE
from multiroute_core.wire.responses.usage import write_usage
from multiroute_core.wire.sse import encode_event
from multiroute_core.wire.strict import dump


class ResponsesWriter:
    """Writes one reply as the events of a response.

    `response.completed` holds the usage, which may come after the finish: it is written by `close`.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._head: dict[str, Json] = head("", "", 0, {}, call)
        self._base = "0"
        self._sequence = 0
        self._items: list[OutItem] = []
        self._parts: dict[int, OutItem] = {}
        self._message: OutMessage | None = None
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._is_begun = False
        self._losses: list[Loss] = []
        self._lost_choices: set[int] = set()
        self._hidden: set[int] = set()

    def feed(self, events: Sequence[Event]) -> bytes:
        """The bytes that tell these events."""
        out: list[bytes] = []
        for event in events:
            self._event(event, out)
        return b"".join(out)

    def fail(self, fault: Fault) -> bytes:
        """`response.failed`, with what was written so far."""
        out: list[bytes] = []
        self._begin(out)
        response = {**self._head, "status": "failed", "error": error(fault)}
        response["output"] = [item.item for item in self._items if item.is_done]
        if self._usage is not None:
            response["usage"] = write_usage(self._usage)
        self._tell("response.failed", {"response": response}, out)
        return b"".join(out)

    def close(self) -> bytes:
        """`response.completed`, or `response.incomplete`, with the whole response."""
        out: list[bytes] = []
        self._begin(out)
        tell = self._teller(out)
        for item in self._items:
            item.end(tell)
        response = {**self._head, **ending(self._finish)}
        response["output"] = [encrypted_again(i.item, self._finish) for i in self._items]
        if self._usage is not None:
            response["usage"] = write_usage(self._usage)
        how = "incomplete" if response["status"] == "incomplete" else "completed"
        self._tell(f"response.{how}", {"response": response}, out)
        return b"".join(out)

    def losses(self) -> Sequence[Loss]:
        """What of the events this format could not show."""
        return tuple(self._losses)

    def _tell(self, kind: str, fields: Mapping[str, Json], out: list[bytes]) -> None:
        doc: dict[str, Json] = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        out.append(encode_event(dump(doc), kind))

    def _teller(self, out: list[bytes]) -> Tell:
        return lambda kind, fields: self._tell(kind, fields, out)

    def _begin(self, out: list[bytes]) -> None:
        if not self._is_begun:
            self._is_begun = True
            if not self._head["created_at"]:
                self._head["created_at"] = int(time.time())
            self._tell("response.created", {"response": self._head}, out)
            self._tell("response.in_progress", {"response": self._head}, out)

    def _event(self, event: Event, out: list[bytes]) -> None:
        if isinstance(event, Delta):
            self._delta(event, out)
        elif isinstance(event, PartStart):
            self._start(event, out)
        elif isinstance(event, PartEnd):
            item = self._parts.get(event.at) if event.choice == 0 else None
            if item is not None:
                item.end_part(event.at, self._teller(out))
        elif isinstance(event, Start):
            created = event.extra.get("created")
            number = created if isinstance(created, int) else int(time.time())
            self._head = head(event.id, event.model, number, event.extra, self._call)
            self._base = stem(event.id)
            self._begin(out)
        elif isinstance(event, Finish):
            if event.choice == 0:
                self._finish = event
        elif isinstance(event, Used):
            self._usage = merged(self._usage, event.usage)
        elif isinstance(event, Opaque):
            self._opaque(event, out)

    def _opaque(self, event: Opaque, out: list[bytes]) -> None:
        if event.wire == WIRE and isinstance(event.data, Mapping):
            self._tell(event.name, event.data, out)
        elif event.wire != WIRE and event.name != "fields":
            why = "the responses format has no such event"
            self._losses.append(Loss(event.name, "event", why))

    def _is_other_choice(self, choice: int) -> bool:
        if choice and choice not in self._lost_choices:
            self._lost_choices.add(choice)
            self._losses.append(Loss(f"choices[{choice}]", "another choice", ONE_CHOICE))
        return choice != 0

    def _start(self, event: PartStart, out: list[bytes]) -> None:
        if self._is_other_choice(event.choice):
            return
        self._begin(out)
        tell = self._teller(out)
        part = event.part
        at = event.at
        index = len(self._items)
        if is_spoken(part):
            message = self._message
            if message is None or wrapper(part) is not None:
                self._end_message(tell)
                message = OutMessage(part, index, f"msg_{self._base}_{at}", tell)
                self._items.append(message)
                self._message = message
            self._losses.extend(message.start_part(at, part, tell))
            self._parts[at] = message
            return
        item: OutItem
        if part.kind == "tool_call":
            self._end_message(tell)
            item = OutCall(part, index, f"fc_{self._base}_{at}", tell)
        elif part.kind == "thinking":
            self._end_message(tell)
            used = any(part.id is not None and part.id == i.item.get("id") for i in self._items)
            own_id = f"rs_{self._base}_{at}"
            item = OutReasoning(part, index, own_id, tell, is_repeated=used)
        elif part.origin == WIRE and isinstance(part.content, Mapping):
            self._end_message(tell)
            item = OutNative(part, index, tell)
        else:
            self._hidden.add(at)
            self._losses.append(lost_part(part, f"choices[0].parts[{at}]"))
            return
        self._items.append(item)
        self._parts[at] = item

    def _end_message(self, tell: Tell) -> None:
        if self._message is not None:
            self._message.end(tell)
            self._message = None

    def _delta(self, event: Delta, out: list[bytes]) -> None:
        if self._is_other_choice(event.choice) or event.at in self._hidden:
            return
        item = self._parts.get(event.at)
        if event.channel == "logprobs":
            message = item if isinstance(item, OutMessage) else self._message
            if message is not None and isinstance(event.value, Mapping):
                message.logprobs(event.value)
            else:
                why = "there is no text for them"
                self._losses.append(Loss("choices[0].logprobs", "log probabilities", why))
        elif item is not None:
            lost = item.delta(event, self._teller(out))
            if lost is not None:
                self._losses.append(lost)
