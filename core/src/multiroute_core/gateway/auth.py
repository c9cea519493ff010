"""Who may come in: decided on the dispatched route, and closed where anything goes wrong."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias

from multiroute_core.api.errors import CallError, Forbidden
from multiroute_core.api.guard import Principal
from multiroute_core.gateway.errors import HttpRefusal
from multiroute_core.gateway.exchange import Exchange
from multiroute_core.gateway.request_log import log_crash
from multiroute_core.gateway.router_port import RouterPort

Access: TypeAlias = Literal["public", "call"]
"""What a route asks of its caller: nothing, or a key with the scope "call"."""


def authorised(
    router: RouterPort, exchange: Exchange, access: Access, logger: logging.Logger
) -> Principal | None:
    """The caller of a route; None on a public one.

    Raises:
        Unauthorized: no valid key.
        Forbidden: the key may not use routes of this kind.
        HttpRefusal: 503, the check itself failed.
    """
    if access == "public":
        return None
    try:
        principal = router.authenticate(exchange.headers)
        is_allowed = access in principal.scopes
    except CallError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken check lets nobody in
        log_crash(logger, exchange, error)
        raise HttpRefusal(
            503,
            "authentication_unavailable",
            "the key could not be checked; the gateway's log says why",
            may_retry=True,
        ) from None
    if not is_allowed:
        raise Forbidden(f"this key lacks the scope {access!r}")
    return principal
