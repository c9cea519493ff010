"""A conversation as system content and turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from multiroute_core.api.content import Message, Part
from multiroute_core.api.faults import Loss
from multiroute_core.api.json import Json, JsonObject
from multiroute_core.wire.messages.blocks_out import content_of, lay_over, shortened
from multiroute_core.wire.messages.names import FOREIGN, WIRE


@dataclass(slots=True)
class _Turn:
    """A turn that is being written. `answers`: it ends in results of tools, so that what the user
    says next belongs to it."""

    role: str
    blocks: list[Json]
    parts: list[Part]
    answers: bool = False
    extra: JsonObject = field(default_factory=dict)

    def written(self) -> dict[str, Json]:
        turn: dict[str, Json] = {"role": self.role, "content": shortened(self.blocks, self.parts)}
        lay_over(turn, self.extra)
        return turn


@dataclass(slots=True)
class _Top:
    """The system content: blocks, and the parts that they came from."""

    blocks: list[Json] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    is_told: bool = False


def conversation(
    messages: Sequence[Message], has_top: bool, losses: list[Loss]
) -> tuple[Json, list[dict[str, Json]]]:
    """System content (None: there is none) and turns.

    `has_top`: the first message is what a client of this format put at the top; its other system
    messages stay where they are. Messages of this format stay apart; of others, results of tools
    go into one user turn with what the user says next.
    """
    top = _Top()
    turns: list[_Turn] = []
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        is_own = message.origin == WIRE
        is_system = message.role in ("system", "developer")
        if is_system and (not is_own or (has_top and number == 0)):
            if turns:
                why = "target has system text at the top only"
                losses.append(Loss(path, f"position of a {message.role} message", why))
            _system(message, path, top, losses)
        elif is_own:
            blocks = content_of(message.parts, f"{path}.content", losses, is_own=True)
            turns.append(_Turn(message.role, blocks, list(message.parts), extra=message.extra))
        else:
            _turn(message, path, turns, losses)
    system = shortened(top.blocks, top.parts) if top.blocks or top.is_told else None
    return system, [turn.written() for turn in turns]


def _system(message: Message, path: str, top: _Top, losses: list[Loss]) -> None:
    is_own = message.origin == WIRE
    top.is_told = top.is_told or is_own
    for number, block in enumerate(
        content_of(message.parts, f"{path}.content", losses, is_own=is_own)
    ):
        if is_own or (isinstance(block, Mapping) and block.get("type") == "text"):
            top.blocks.append(block)
        else:
            losses.append(Loss(f"{path}.content[{number}]", "part of a system message", FOREIGN))
    top.parts.extend(message.parts)
    _fields(message, path, losses)


def _turn(message: Message, path: str, turns: list[_Turn], losses: list[Loss]) -> None:
    role = "assistant" if message.role == "assistant" else "user"
    blocks = content_of(message.parts, f"{path}.content", losses, is_own=False)
    _fields(message, path, losses)
    answers = any(part.kind == "tool_result" for part in message.parts)
    last = turns[-1] if turns else None
    if last is not None and last.answers and answers:
        # Results of tools that follow one another belong into one turn; what a user says after
        # them stays a turn of its own, as it was sent.
        last.blocks.extend(blocks)
        last.parts.extend(message.parts)
    elif blocks:
        turns.append(_Turn(role, blocks, list(message.parts), answers))


def _fields(message: Message, path: str, losses: list[Loss]) -> None:
    if message.origin != WIRE:
        losses.extend(
            Loss(f"{path}.{name}", "message field", FOREIGN)
            for name, value in message.extra.items()
            if value not in (None, [], (), "")
        )
