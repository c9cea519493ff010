"""What a check says of one record."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fidelity.harness import Missing, Run

Check = Callable[[Run], list[str] | None]
"""The differences that a check finds in one run; None: the check does not concern the record."""


@dataclass
class Outcome:
    """One check over the records of one provider and API."""

    total: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return self.total - len(self.failed)

    def add(self, record_id: str, found: list[str] | None) -> None:
        if found is None:
            return
        self.total += 1
        if found:
            self.failed[record_id] = found

    def as_json(self) -> dict[str, object]:
        return {"passed": self.passed, "total": self.total, "failed": sorted(self.failed)}

    def report(self, most: int = 12) -> str:
        """The failed records with their first differences."""
        lines = [f"{self.passed} of {self.total} pass; {len(self.failed)} fail:"]
        for record_id, found in list(self.failed.items())[:most]:
            lines.append(f"  {record_id}: {found[0][:400]}")
        if len(self.failed) > most:
            lines.append(f"  … and {' '.join(list(self.failed)[most:])}")
        return "\n".join(lines)


def judged(check: Check, run: Run) -> list[str] | None:
    """The check's findings; an exception of ours is one."""
    return raised(lambda: check(run))


def raised(check: Callable[[], list[str] | None]) -> list[str] | None:
    """What a check finds, or what it raises."""
    try:
        return check()
    except Missing as error:
        return [str(error)]
    # A border: whatever an adapter raises is a finding of this record, not the suite's end.
    except Exception as error:  # noqa: BLE001  foreign code
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{'/'.join(place.filename.split('/')[-2:])}:{place.lineno}"
        return [f"{type(error).__name__} in {where}: {error}"]
