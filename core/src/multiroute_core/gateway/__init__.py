"""The gateway: the router behind HTTP.

`serve` runs it as a process, `running` inside a program; `Gateway` is the raw ASGI application.
"""

from multiroute_core.gateway.app import Gateway
from multiroute_core.gateway.limits import Limits
from multiroute_core.gateway.router_port import Card, RouterPort
from multiroute_core.gateway.server import GatewayServer, running, serve

__all__ = ["Card", "Gateway", "GatewayServer", "Limits", "RouterPort", "running", "serve"]
