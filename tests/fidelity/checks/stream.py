"""`stream`: however a stream is cut into pieces, the events are the same; cut off before its finish
is told, it is an error; collected, it is what the official client collects."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from multiroute_core.api.events import Broken, Event
from tests.fidelity.compare import call_differences, show
from tests.fidelity.harness import Run
from tests.fidelity.official import collected
from tests.fidelity.oracle.framing import frames
from tests.fidelity.oracle.reading import cut_before, tell
from tests.fidelity.oracle.told import Told
from tests.fidelity.ours import coalesced, disorder, told

SEEDS = 5
_LARGEST_PIECE = 97
_BOUNDARIES = 40
_ANYWHERE = 16


def check(run: Run) -> list[str] | None:
    """What goes wrong with a recorded stream."""
    record = run.record
    if record.framing is None or not record.ok:
        return None
    return list(_found(run))


def _found(run: Run) -> Iterator[str]:
    once = list(run.once)
    wrong = disorder(once)
    if wrong:
        yield wrong
    wanted = coalesced(once)
    for name, pieces in chunkings(run.record.id, run.record.body):
        got = coalesced(run.fed(pieces))
        if got != wanted:
            yield f"{name}: {first_difference(wanted, got)}"
            break
    native = tell(run.way.oracle, run.record.body, run.record.framing)
    if native.error is None and run.record.body.strip():
        yield from _collected(run, native)
        yield from _truncated(run)
    elif not (once and isinstance(once[-1], Broken)):
        yield "a stream with an error in it does not end in one"


def chunkings(seed: str, body: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Byte by byte, and five random ways that depend on the seed alone."""
    yield "byte by byte", [body[at : at + 1] for at in range(len(body))]
    for number in range(SEEDS):
        sizes = random.Random(f"{seed}:{number}")
        pieces, at = [], 0
        while at < len(body):
            size = sizes.randint(1, _LARGEST_PIECE)
            pieces.append(body[at : at + size])
            at += size
        yield f"random chunks {number}", pieces


def first_difference(wanted: Sequence[Event], got: Sequence[Event]) -> str:
    for number, (one, other) in enumerate(zip(wanted, got, strict=False)):
        if one != other:
            return f"event {number} {show(one)} became {show(other)}"
    return f"{len(wanted)} events became {len(got)}"


def _collected(run: Run, native: Told) -> Iterator[str]:
    """Our folded reply against the oracle over what the official client collected; where there is
    none for this format, or it does not manage, over the frames as they came."""
    document = collected(run.way.oracle, run.record.body)
    official = native if document is None else tell(run.way.oracle, document, None)
    ours = told(run.reply)
    for number, choice in official.choices.items():
        our = ours.choices.get(number)
        if our is None:
            yield f"collected: choice {number} is missing"
            continue
        names = ("text", "refusal", "finish") if choice.finish else ("text", "refusal")
        for name in names:
            said, read = getattr(choice, name) or "", getattr(our, name) or ""
            plans = (choice.plan + said, "") if name == "text" and choice.plan else ()
            if read not in (said, *plans):
                yield f"collected: {name} {show(said)}, ours {show(read)}"
        yield from (f"collected: {found}" for found in call_differences(choice, our))


def cuts(run: Run) -> list[int]:
    """Where to cut a stream off: at event boundaries, anywhere, and inside the event that
    finishes; a bounded number, always the same for one record."""
    body, framing = run.record.body, run.record.framing
    assert framing is not None
    end = cut_before(run.way.oracle, body, framing)
    if end is None:
        return []
    listed = [frame for frame in frames(body, framing) if frame.start < end]
    boundaries = [frame.end for frame in listed if frame.end < end]
    step = max(1, -(-len(boundaries) // _BOUNDARIES))
    places = {0, 1, end - 1, end - 2, *boundaries[::-1][::step], *boundaries[:2]}
    dice = random.Random(run.record.id)
    places |= {dice.randrange(end) for _ in range(_ANYWHERE)}
    last = listed[-1]
    places |= {dice.randrange(last.start, end) for _ in range(4)}
    return sorted(place for place in places if 0 <= place < end)


def _truncated(run: Run) -> Iterator[str]:
    for place in cuts(run):
        events = run.fed([run.record.body[:place]])
        if not events or not isinstance(events[-1], Broken):
            yield f"cut off after {place} of {len(run.record.body)} bytes: no error"
            return
