"""MultiRoute core: plugin kernel, routing, attempt engine and gateway.

The public surface is `multiroute_core.api` (the contract for plugins), the codecs in
`multiroute_core.wire.<format>`, `multiroute_core.testing` for tests, and `MultiRoute`, the
in-process library, which is imported lazily so that reading the version costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiroute_core.router import MultiRoute

__version__ = "0.1.0"
__all__ = ["MultiRoute", "__version__"]


def __getattr__(name: str) -> object:
    if name == "MultiRoute":
        from multiroute_core.router import MultiRoute

        return MultiRoute
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
