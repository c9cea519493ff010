"""Lease: what one call may spend over all its attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from multiroute_core.api.fallback import LeaseView


class Limits(Struct, frozen=True):
    """What a profile allows. Times are seconds, money pico-USD; None: no limit of its own.

    `first_content_s` bounds the wait for the first content of a stream, `total_s` one whole
    attempt, `idle_s` the wait between two pieces of a reply, `connect_s` connecting.
    """

    attempts: int = 4
    deadline_s: float = 60.0
    spend_pusd: int | None = None
    connect_s: float = 5.0
    first_content_s: float | None = None
    idle_s: float = 30.0
    total_s: float | None = None
    on_loss: Literal["error", "report", "allow"] = "report"


class Lease:
    """The deadline, attempts and money that are left of one call. Strategies see a copy only."""

    __slots__ = ("_now_s", "attempts", "deadline_at_s", "limits", "spent_pusd")

    def __init__(self, limits: Limits, now_s: Callable[[], float]) -> None:
        self.limits = limits
        self._now_s = now_s
        self.deadline_at_s = now_s() + limits.deadline_s
        self.attempts = 0
        self.spent_pusd = 0

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline_at_s - self._now_s())

    @property
    def attempts_left(self) -> int:
        """Attempts that may still start."""
        return max(0, self.limits.attempts - self.attempts)

    @property
    def spend_left_pusd(self) -> int | None:
        """Pico-USD that may still be spent; None without a limit."""
        limit = self.limits.spend_pusd
        return None if limit is None else max(0, limit - self.spent_pusd)

    def refusal(self, predicted_pusd: int | None) -> Literal["", "deadline", "spend"]:
        """Why an attempt may not start, or "".

        An attempt whose price is unknown is refused where money is limited: unknown is not zero.
        """
        if self.attempts_left == 0 or self.remaining_s <= 0:
            return "deadline"
        left = self.spend_left_pusd
        if left is not None and (predicted_pusd is None or predicted_pusd > left):
            return "spend"
        return ""

    def start_attempt(self) -> None:
        """Count an attempt, at its start."""
        self.attempts += 1

    def attempt_s(self, is_stream: bool, others_left: bool) -> float:
        """Seconds that one attempt may take until its first content (stream) or its end (whole).

        Where the profile sets no timeout for it, half of what remains, so that the next candidate
        has a chance; all of it for the last one.
        """
        own = self.limits.first_content_s if is_stream else self.limits.total_s
        remaining = self.remaining_s
        if own is not None:
            return min(own, remaining)
        return remaining / 2 if others_left and self.attempts_left > 0 else remaining

    def view(self, candidates: int) -> LeaseView:
        """What a strategy may see."""
        return LeaseView(
            self.remaining_s, self.attempts_left, self.spend_left_pusd, (True,) * candidates
        )
