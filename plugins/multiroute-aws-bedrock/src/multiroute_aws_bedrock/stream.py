"""Reading one streamed reply: the binary event stream of Converse or of InvokeModel."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_aws_bedrock.converse.reply_in import ConverseReader
from multiroute_aws_bedrock.eventstream import BadFrame, Frame, FrameParser, FrameTooLarge
from multiroute_aws_bedrock.faults import fault_of
from multiroute_aws_bedrock.invoke.reply_in import InvokeReader
from multiroute_core.api import Broken, Event, Fault, Json
from multiroute_core.wire.strict import loads


class EventStreamDecoder:
    """Reads one stream; what is in it tells which of the two APIs it comes from.

    An exception, a checksum that does not match or an unreadable event break the reply, even after
    its finish: what was still to come (the usage) is lost, and that is said.
    """

    def __init__(self, reply_id: str = "", model: str = "") -> None:
        self._frames = FrameParser()
        self._converse = ConverseReader(reply_id=reply_id, model=model)
        self._invoke = InvokeReader(reply_id, model)
        self._is_invoke = False
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these further bytes complete."""
        out: list[Event] = []
        if self._over:
            return out
        try:
            for frame in self._frames.feed(data):
                self._frame(frame, out)
                if out and type(out[-1]) is Broken:
                    self._over = True
                    return out
        except FrameTooLarge as error:
            self._stop(Fault("too_large", f"the provider's stream holds {error}"), out)
        except BadFrame as error:
            self._stop(Fault("protocol", f"the provider's stream is damaged: {error}"), out)
        return out

    def close(self) -> list[Event]:
        """What is left: `Broken` unless the answer is complete."""
        if self._over:
            return []
        self._over = True
        if self._is_invoke:
            return self._invoke.close()
        if self._converse.finished:
            return []
        return [Broken(Fault("truncated", "the provider's stream ended before the answer did"))]

    def _stop(self, fault: Fault, out: list[Event]) -> None:
        self._over = True
        out.append(Broken(fault))

    def _frame(self, frame: Frame, out: list[Event]) -> None:
        kind = frame.text(":message-type")
        if kind == "error":
            told: Json = {"message": frame.text(":error-message")}
            self._stop(fault_of("error_event", frame.text(":error-code"), told), out)
            return
        payload: Json
        try:
            payload = loads(frame.payload) if frame.payload else {}
        except ValueError:
            payload = None
        if kind == "exception":
            native = payload if payload is not None else {}
            self._stop(fault_of("error_event", frame.text(":exception-type"), native), out)
        elif not isinstance(payload, Mapping):
            self._stop(Fault("protocol", "the provider's stream holds an unreadable event"), out)
        elif frame.text(":event-type") == "chunk":
            self._is_invoke = True
            self._invoke.chunk(payload.get("bytes"), out)
        else:
            own = {k: v for k, v in payload.items() if k != "p"}
            self._converse.event(frame.text(":event-type"), own, out)
