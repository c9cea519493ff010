"""The rules that judge errors of other recordings agree with every line of `faults.toml`."""

from __future__ import annotations

from tests.fidelity import corpus, registry
from tests.fidelity.checks import faults


def test_rules_agree_with_every_line_written_by_hand(recordings):
    wrong = {}
    for record in corpus.every_record():
        line = faults.stated().get(record.id)
        if line is None or not registry.in_scope(record.provider):
            continue
        ruled = faults.ruled(record)
        if ruled is None or (ruled.kind, ruled.cause, ruled.retry) != (
            line.kind,
            line.cause,
            line.retry,
        ):
            wrong[record.id] = (line, ruled)
    assert not wrong


def test_every_recorded_error_of_the_shared_data_has_a_line(recordings):
    if recordings != corpus.shared_folder():
        return
    missing = [
        record.id
        for record in corpus.every_record()
        if registry.in_scope(record.provider)
        and faults.ruled(record) is not None
        and record.id not in faults.stated()
    ]
    assert not missing
