"""ReplayIndex: which recording answers which request, and which is nearest where none does."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .normalise import Normal, Normalisation, normalise_request
from .recordings import Recording

_DIFF_LINES = 200
_NOTHING_IGNORED = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Nearest:
    """The recorded request most like one that matched none, and the unified diff from it to what
    arrived."""

    recording: Recording
    diff: str


class _Cycle:
    """Recordings of one key: each in turn, then from the start again."""

    def __init__(self) -> None:
        self._recordings: list[Recording] = []
        self._taken = 0

    def add(self, recording: Recording) -> None:
        self._recordings.append(recording)

    def take(self) -> Recording:
        recording = self._recordings[self._taken % len(self._recordings)]
        self._taken += 1
        return recording


class ReplayIndex:
    """Recorded requests by their normal form, with a place in each queue.

    Order within a key: sequences in the order of their first recording, and within one by position.
    Raises ValueError for no recordings at all.
    """

    def __init__(
        self, recordings: Iterable[Recording], *, normalisation: Normalisation | None = None
    ) -> None:
        self._rules = normalisation or Normalisation()
        self._strict = Normalisation(
            ignore_fields=_NOTHING_IGNORED,
            ignore_query=self._rules.ignore_query,
            text_shorthand=self._rules.text_shorthand,
        )
        self._exact: dict[str, _Cycle] = {}
        self._same: dict[str, _Cycle] = {}
        self._redacted: dict[tuple[str, str], _Cycle] = {}
        self._by_route: dict[tuple[str, str], list[tuple[Recording, Normal]]] = {}
        self._words: dict[str, Counter[str]] = {}
        for recording in _in_sequence_order(recordings):
            self._add(recording)
        if not self._by_route:
            raise ValueError("there are no recordings to replay")

    def _add(self, recording: Recording) -> None:
        request = recording.request
        normal = normalise_request(
            request.method, request.target, request.headers, request.body, self._rules
        )
        self._by_route.setdefault(normal.route, []).append((recording, normal))
        if request.is_redacted:
            self._redacted.setdefault(normal.route, _Cycle()).add(recording)
            return
        strict = normalise_request(
            request.method, request.target, request.headers, request.body, self._strict
        )
        self._exact.setdefault(strict.key, _Cycle()).add(recording)
        self._same.setdefault(normal.key, _Cycle()).add(recording)

    def take(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Recording | Nearest:
        """The recording that answers this request, or the nearest one where none does.

        A recording that also agrees in the ignored fields goes before one that does not; redacted
        ones, which answer anything of their method and path, come last.
        """
        pairs = tuple(headers)
        normal = normalise_request(method, url, pairs, body, self._rules)
        strict = normalise_request(method, url, pairs, body, self._strict)
        cycle = (
            self._exact.get(strict.key)
            or self._same.get(normal.key)
            or self._redacted.get(normal.route)
        )
        return cycle.take() if cycle is not None else self.nearest(normal)

    def nearest(self, normal: Normal) -> Nearest:
        """The recorded request that shares the most lines with this one, looked for under the same
        method and path first, else under the path most like it."""
        arrived = normal.lines()
        words = Counter(arrived)
        candidates = (
            self._by_route.get(normal.route) or self._by_route[self._nearest_route(normal.route)]
        )
        recording, recorded = max(candidates, key=lambda pair: self._likeness(pair, words))
        lines = list(
            difflib.unified_diff(
                recorded.lines(), arrived, f"recorded {recording.id}", "arrived", lineterm=""
            )
        )
        if len(lines) > _DIFF_LINES:
            lines = [*lines[:_DIFF_LINES], f"… {len(lines) - _DIFF_LINES} more lines"]
        return Nearest(recording, "\n".join(lines))

    def _nearest_route(self, route: tuple[str, str]) -> tuple[str, str]:
        wanted = " ".join(route)
        return max(
            self._by_route,
            key=lambda known: difflib.SequenceMatcher(None, " ".join(known), wanted).ratio(),
        )

    def _likeness(self, pair: tuple[Recording, Normal], words: Counter[str]) -> float:
        recording, normal = pair
        if recording.id not in self._words:
            self._words[recording.id] = Counter(normal.lines())
        known = self._words[recording.id]
        return (known & words).total() / max(1, (known | words).total())


def _in_sequence_order(recordings: Iterable[Recording]) -> list[Recording]:
    items = list(recordings)
    first_seen: dict[str, int] = {}
    for place, item in enumerate(items):
        first_seen.setdefault(item.sequence_id or item.id, place)
    return sorted(
        items, key=lambda item: (first_seen[item.sequence_id or item.id], item.sequence_pos)
    )
