"""Performing one step of a script on a connection."""

from __future__ import annotations

from http import HTTPStatus
from typing import assert_never

from .connection import Connection
from .seen_request import SeenRequest
from .steps import Answer, Close, Hang, Raw, Reset, Step

_WITHOUT_BODY = (204, 304)


async def perform(step: Step, connection: Connection, request: SeenRequest) -> bool:
    """Do what the step says; True when the connection can carry another request.

    Raises ClientLeft when the client goes before the step is done.
    """
    match step:
        case Answer():
            return await _answer(step, connection, request)
        case Raw():
            await connection.pause(step.latency_s)
            await connection.write(step.data)
            if step.then == "stall":
                await connection.until_client_leaves()
            if step.then == "reset":
                connection.reset()
            return step.then == "keep"
        case Reset():
            connection.reset()
            return False
        case Close():
            return False
        case Hang():
            await connection.until_client_leaves()
            return False
        case _:
            assert_never(step)


async def _answer(answer: Answer, connection: Connection, request: SeenRequest) -> bool:
    await connection.pause(answer.latency_s)
    is_last = _ends_connection(answer, request)
    await connection.write(_head(answer, is_last))
    if request.method == "HEAD" or answer.status in _WITHOUT_BODY:
        return not is_last
    await _send_body(answer, connection)
    if answer.reset_at is not None:
        connection.reset()
        return False
    if answer.stall_at is not None:
        await connection.until_client_leaves()
    if answer.cut_at is not None:
        return False
    return not is_last


async def _send_body(answer: Answer, connection: Connection) -> None:
    """The body, or as much of it as goes out before the scripted stop.

    A chunk that is cut announces its whole size: that is what a server that dies in a write leaves
    behind. The end of chunked framing goes out with the last piece: a client that leaves after the
    last event leaves after the answer.
    """
    is_chunked = answer.wire_framing in ("chunked", "bad-chunk")
    is_whole = answer.stops_at is None
    end = b""
    if is_chunked and is_whole:
        end = b"no-size\r\n" if answer.wire_framing == "bad-chunk" else b"0\r\n\r\n"
    left = answer.size if answer.stops_at is None else answer.stops_at
    for number, piece in enumerate(answer.pieces):
        if left <= 0:
            return
        if number:
            await connection.pause(answer.gap_s)
        part = piece[:left]
        left -= len(part)
        if is_chunked:
            line_end = b"\r\n" if len(part) == len(piece) else b""
            part = b"%x\r\n%b%b" % (len(piece), part, line_end)
        await connection.write(part + (end if left == 0 else b""))
    if end and not answer.pieces:
        await connection.write(end)


def _ends_connection(answer: Answer, request: SeenRequest) -> bool:
    says_close = any(
        name.lower() == "connection" and value.lower() == "close"
        for name, value in answer.header_pairs
    )
    is_unframed = answer.wire_framing in ("close", "bad-chunk") or answer.declared_length not in (
        None,
        answer.size,
    )
    return says_close or is_unframed or request.wants_close


def _head(answer: Answer, is_last: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer)}"]
    lines += [f"{name}: {value}" for name, value in answer.header_pairs]
    names = {name.lower() for name, _ in answer.header_pairs}
    match answer.wire_framing:
        case "length" if answer.status not in _WITHOUT_BODY:
            declared = answer.declared_length
            lines.append(f"content-length: {answer.size if declared is None else declared}")
        case "chunked" | "bad-chunk":
            lines.append("transfer-encoding: chunked")
        case _:
            pass
    if is_last and "connection" not in names:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(answer: Answer) -> str:
    if answer.reason is not None:
        return answer.reason
    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return "Unassigned"
