"""The contract that plugins are written against changes only when somebody means it."""

from __future__ import annotations

import difflib

from tests.architecture.surface import SNAPSHOT, dump


def test_the_public_surface_is_the_one_that_was_agreed():
    agreed, found = SNAPSHOT.read_text(encoding="utf-8"), dump()
    changes = difflib.unified_diff(agreed.splitlines(), found.splitlines(), "agreed", "found", n=1)
    assert agreed == found, (
        "the public surface changed; if that is meant: `make surface`, a line in CHANGELOG.md, and "
        "core's major version when something went or changed\n" + "\n".join(changes)
    )


def test_the_dump_holds_hooks_with_their_arguments():
    assert "def multiroute_make_scorer(name: str, settings: BaseModel | None) -> " in dump()
