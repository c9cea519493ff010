"""The tree of errors.

    MultiRouteError
    ├── ConfigError            the project file or a plugin cannot be used: exit code 2
    │   └── PluginError        … because of one plugin
    ├── CallError              a client's call cannot be answered: has a status and a fault kind
    │   ├── InvalidRequest     400: the document is wrong; says where and why
    │   ├── ModelNotFound      404: no profile, alias or model of that name
    │   ├── Unauthorized       401: no valid key
    │   ├── Forbidden          403: the key may not use this
    │   └── CallFailed         what an attempt's fault came to
    └── CannotEncode           an adapter cannot express a call for its target

`message` is safe for clients; `detail` is for the operator's log.
"""

from __future__ import annotations

from multiroute_core.api.faults import Fault


class MultiRouteError(Exception):
    """Root of all errors that MultiRoute raises on purpose."""

    code = "internal_error"

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class ConfigError(MultiRouteError):
    """The project file, a plugin or the environment is not usable. Exit code 2."""

    code = "invalid_config"


class PluginError(ConfigError):
    """A plugin cannot be used; the message names it and its distribution."""

    code = "plugin_error"


class CallError(MultiRouteError):
    """A call that cannot be answered: `status` for HTTP, `kind` a fault kind.

    `decision_id` names the decision behind it, "" where there was none; `retry_after_s` is the
    pushback for the client, None where none is known.
    """

    status = 500
    kind = "plugin_error"
    type = "server_error"
    may_retry = False

    def __init__(self, message: str, *, detail: str = "", param: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.param = param
        self.decision_id = ""
        self.retry_after_s: float | None = None


class InvalidRequest(CallError):
    """The client's document is wrong; `param` says where."""

    code = "invalid_request"
    status = 400
    kind = "bad_request"
    type = "invalid_request_error"


class ModelNotFound(CallError):
    """Nothing here has that name; the message lists the nearest ones."""

    code = "model_not_found"
    status = 404
    kind = "not_found"
    type = "invalid_request_error"


class Unauthorized(CallError):
    """No key, or none that is known here."""

    code = "invalid_api_key"
    status = 401
    kind = "refused_by_guard"
    type = "authentication_error"


class Forbidden(CallError):
    """The key is known, but may not do this."""

    code = "forbidden"
    status = 403
    kind = "refused_by_guard"
    type = "permission_error"


class CallFailed(CallError):
    """No attempt succeeded, or none was allowed: the fault says why."""

    def __init__(self, fault: Fault, *, detail: str = "") -> None:
        super().__init__(fault.message, detail=detail)
        self.fault = fault
        self.code = fault.code or fault.treated_as
        self.kind = fault.treated_as
        row = fault.row
        self.status = row.status
        if self.kind == "bad_request" and fault.status in (404, 409, 413, 415, 422):
            self.status = fault.status
        self.may_retry = row.client_may_retry
        self.retry_after_s = fault.retry_after_s
        self.type = {400: "invalid_request_error", 404: "invalid_request_error"}.get(
            row.status, "rate_limit_error" if row.status == 429 else "upstream_error"
        )


class CannotEncode(MultiRouteError):
    """This target cannot take this call; the fault kind says why, the next candidate is tried."""

    code = "cannot_encode"
