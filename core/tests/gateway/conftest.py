"""What the gateway's tests share: a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
import uvloop

from core.tests.gateway.stand_in import StandIn
from multiroute_core.gateway import Limits, running

LIMITS = Limits(drain_s=0.0, grace_s=5.0)

Scenario = Callable[[str], Coroutine[Any, Any, Any]]
Serving = Callable[..., Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """`serving(router, scenario, **limits)` runs `scenario(base_url)` beside a gateway, on both
    event loops; 20 s at most."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def serve(router: StandIn, scenario: Scenario, **limits: Any) -> Any:
        async def run() -> Any:
            async with (
                asyncio.timeout(20),
                running(router, limits=replace(LIMITS, **limits)) as base_url,
            ):
                return await scenario(base_url)

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(run())

    return serve
