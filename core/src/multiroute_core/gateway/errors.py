"""Errors as HTTP replies: a CallError, its status and its headers, in the dialect's shape."""

from __future__ import annotations

import math
from typing import Final

from multiroute_core.api.call import Pairs
from multiroute_core.api.dialect import ClientError, Dialect
from multiroute_core.api.errors import CallError
from multiroute_core.gateway.reply_headers import DECISION, JSON_TYPE, NO_STORE, header_value

SHOULD_RETRY: Final = b"x-should-retry"
RETRY_AFTER: Final = b"retry-after"


class HttpRefusal(CallError):
    """A request that does not come as far as a call: no route, bad framing, too large."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        may_retry: bool = False,
        headers: Pairs = (),
        closes: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.kind = "bad_request" if status < 500 else "plugin_error"
        self.may_retry = may_retry
        self.headers = headers
        self.closes = closes


def error_body(dialect: Dialect, error: CallError, request_id: str) -> bytes:
    """The dialect's document for an error. A lone surrogate in a client's own words is replaced."""
    return dialect.error(
        ClientError(
            status=error.status,
            code=_clean(error.code),
            message=_clean(error.message),
            kind=error.kind,
            param=None if error.param is None else _clean(error.param),
            request_id=request_id,
        )
    )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def error_headers(error: CallError) -> list[tuple[bytes, bytes]]:
    """The headers of an error reply; its request id comes from the exchange."""
    headers = [
        JSON_TYPE,
        NO_STORE,
        (SHOULD_RETRY, b"true" if error.may_retry else b"false"),
    ]
    if error.retry_after_s is not None and math.isfinite(error.retry_after_s):
        wait_s = max(0, math.ceil(error.retry_after_s))
        headers.append((RETRY_AFTER, str(wait_s).encode("ascii")))
    if error.decision_id:
        headers.append((DECISION, header_value(error.decision_id)))
    if isinstance(error, HttpRefusal):
        headers.extend(error.headers)
        if error.closes:
            headers.append((b"connection", b"close"))
    return headers
