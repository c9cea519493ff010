"""The error document that the chat format and the operations beside it share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from multiroute_core.api.dialect import ClientError
from multiroute_core.wire.strict import dump

_TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        403: "permission_error",
        404: "invalid_request_error",
        429: "rate_limit_error",
    }
)


def error_document(error: ClientError) -> bytes:
    """An error as `{"error": {message, type, param, code}}`."""
    return dump(
        {
            "error": {
                "message": error.message,
                "type": _TYPES.get(error.status, "server_error"),
                "param": error.param,
                "code": error.code,
            }
        }
    )
