"""`oracle`: what we read of a reply equals what an independent extractor reads."""

from __future__ import annotations

from tests.fidelity.compare import differences
from tests.fidelity.harness import Run
from tests.fidelity.oracle.reading import tell
from tests.fidelity.ours import told


def check(run: Run) -> list[str] | None:
    """Differences between the oracle's telling of a good reply and ours."""
    record = run.record
    if not record.ok:
        return None
    native = tell(run.way.oracle, record.body, record.framing) if record.body.strip() else None
    if native is None or native.error is not None:
        return None  # the faults check has it
    return differences(native, told(run.reply))
