"""What a reload changes is said in lines that hold no secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from multiroute_core.project import diff_projects, load_project


def test_each_change_is_one_line(example: str, write: Callable[..., Path]):
    old = load_project(write(example))
    text = (
        example.replace('"45s"', '"30s"')
        .replace("floor = 0.5\n", "")
        .replace('["eu"]\n\n', '["eu", "zdr"]\n\n')
        .replace("0000", "1111")
        .replace("ACME_KEY", "OTHER_KEY")
        .replace("retries = 2", "retries = 3")
        .replace('["rate_limited"]', "[]")
        .replace('"gp*" = "fast"', '"gp*" = "private"\nnew = "fast"')
        .replace("[profiles.private]", "[profiles.closed]")
        .replace('= "private"', '= "closed"')
    )
    new = load_project(write("# comment\n" + text))
    assert diff_projects(old, new) == [
        '~ aliases."gp*": "fast" → "closed"',
        '+ aliases.new = "fast"',
        "~ keys.web.hash",
        "+ [profiles.closed]",
        "~ profiles.fast.fallback.on",
        '~ profiles.fast.limits.deadline: "45s" → "30s"',
        "- profiles.fast.score.floor = 0.5",
        "- [profiles.private]",
        "~ providers.acme.api_keys",
        '~ providers.acme.tags: ["eu"] → ["eu", "zdr"]',
        "~ providers.acme-us.settings.retries",
    ]
    back = diff_projects(new, old)
    assert len(back) == 11
    assert "- [profiles.closed]" in back


def test_comments_and_order_are_no_change(example: str, write: Callable[..., Path]):
    old = load_project(write(example))
    blocks = example.replace("schema = 1\n", "").split("\n\n")
    new = load_project(write("# other\nschema = 1\n" + "\n\n".join(reversed(blocks))))
    assert diff_projects(old, new) == []
    assert old.digest == new.digest
