"""Script: which step answers which request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from .seen_request import SeenRequest
from .steps import Answer, Close, Hang, Raw, Reset, Step

Steps = Step | Sequence[Step]
Script = Steps | Mapping[str, Steps] | Callable[[SeenRequest], Step]
Exhausted = Literal["repeat", "error"]
ANY_PATH = "*"


class ScriptError(Exception):
    """A script had no step for a request, or failed to make one."""


class _Queue:
    def __init__(self, steps: Steps, exhausted: Exhausted) -> None:
        self._steps = (steps,) if isinstance(steps, Step) else tuple(steps)
        self._exhausted = exhausted
        self._next = 0
        if not self._steps:
            raise ValueError("a script needs at least one step")
        for step in self._steps:
            _check_step(step)

    def take(self) -> Step:
        if self._next >= len(self._steps):
            if self._exhausted == "error":
                raise ScriptError(f"all {len(self._steps)} steps are used up")
            return self._steps[-1]
        self._next += 1
        return self._steps[self._next - 1]


class ScriptCursor:
    """A script with its place in it. Raises ValueError for a script that can answer nothing."""

    def __init__(self, script: Script, *, exhausted: Exhausted = "repeat") -> None:
        if exhausted not in ("repeat", "error"):
            raise ValueError(f"exhausted {exhausted!r} is unknown: use 'repeat' or 'error'")
        self._make: Callable[[SeenRequest], Step] | None = None
        self._queues: dict[str, _Queue] = {}
        if isinstance(script, Mapping):
            self._queues = {path: _Queue(steps, exhausted) for path, steps in script.items()}
            if not self._queues:
                raise ValueError("a script needs at least one path")
        elif callable(script):
            self._make = script
        else:
            self._queues = {ANY_PATH: _Queue(script, exhausted)}

    def step_for(self, request: SeenRequest) -> Step:
        """The next step for this request; takes it off its list.

        A path without a list, where there is none for `*` either, is a 404. Raises ScriptError.
        """
        if self._make is not None:
            try:
                return _check_step(self._make(request))
            except Exception as exc:  # border: whatever the author of a script does wrong
                raise ScriptError(f"the script raised {type(exc).__name__}: {exc}") from exc
        queue = self._queues.get(request.path) or self._queues.get(ANY_PATH)
        if queue is None:
            return Answer(
                404,
                body={
                    "error": {
                        "message": f"nothing is scripted for {request.path}",
                        "type": "no_script",
                    }
                },
            )
        return queue.take()


def _check_step(step: object) -> Step:
    if not isinstance(step, Answer | Raw | Reset | Close | Hang):
        raise ValueError(
            f"{type(step).__name__} is not a step: use Answer, Raw, Reset, Close or Hang"
        )
    return step
