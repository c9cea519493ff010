"""The request log: one line of JSON a request, without a prompt or a key in it."""

from __future__ import annotations

import logging
import traceback
from typing import Final

import orjson

from multiroute_core.gateway.exchange import Exchange

LOGGER: Final = "multiroute.gateway"
"""The logger of everything that the gateway says."""

EVENT: Final = "event"
REQUEST_ID: Final = "request_id"
CALL_ID: Final = "call_id"
METHOD: Final = "method"
PATH: Final = "path"
STATUS: Final = "status"
ELAPSED_MS: Final = "ms"
MODEL: Final = "model"
DECISION: Final = "decision"
ATTEMPTS: Final = "attempts"
KEY: Final = "key"
ERROR_TYPE: Final = "error"
TRACE: Final = "trace"
LEFT: Final = "left"

_MAX_TEXT: Final = 200


def log_request(logger: logging.Logger, exchange: Exchange, elapsed_s: float) -> None:
    """One request, after its reply. Status 499: the client did not wait for it."""
    if not logger.isEnabledFor(logging.INFO):
        return
    line: dict[str, object] = {
        EVENT: "request",
        REQUEST_ID: exchange.request_id,
        METHOD: exchange.method,
        PATH: exchange.path.decode("latin-1")[:_MAX_TEXT],
        STATUS: exchange.status,
        ELAPSED_MS: round(elapsed_s * 1000, 2),
    }
    if exchange.call_id != exchange.request_id:
        line[CALL_ID] = exchange.call_id
    if exchange.model:
        line[MODEL] = _text(exchange.model)
    if exchange.decision_id:
        line[DECISION] = exchange.decision_id
        line[ATTEMPTS] = exchange.attempts
    if exchange.principal is not None:
        line[KEY] = exchange.principal.key
    if exchange.link.cause is not None:
        line[LEFT] = exchange.link.cause
    logger.info("%s", orjson.dumps(line).decode())


def log_crash(logger: logging.Logger, exchange: Exchange, error: BaseException) -> None:
    """An exception that nobody expected: where it came from, but not its words, which could hold
    a prompt or a key."""
    types: list[str] = []
    frames: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(types) < 5:
        types.append(type(cause).__qualname__)
        frames.extend(traceback.format_tb(cause.__traceback__))
        cause = cause.__cause__ or cause.__context__
    line: dict[str, object] = {
        EVENT: "crash",
        REQUEST_ID: exchange.request_id,
        METHOD: exchange.method,
        PATH: exchange.path.decode("latin-1")[:_MAX_TEXT],
        ERROR_TYPE: types,
        TRACE: "".join(frames),
    }
    if exchange.call_id != exchange.request_id:
        line[CALL_ID] = exchange.call_id
    logger.error("%s", orjson.dumps(line).decode())


def _text(value: str) -> str:
    return value[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
