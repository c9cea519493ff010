"""`multiroute keys new`: the secret once, and the lines for the file."""

from __future__ import annotations

import json
import re

from multiroute_core import MultiRoute
from multiroute_core.api import Unauthorized


def test_the_printed_lines_let_the_printed_secret_in(project, run):
    done = run("keys", "new", "web", "--profile", "balanced", "--profile", "fragile")
    assert done.code == 0
    secret = re.search(r"^ +(mr-\S+)$", done.out, re.MULTILINE)
    assert secret
    lines = done.out.partition("[keys.web]")
    pasted = "\n".join(line.strip() for line in (lines[1] + lines[2]).splitlines())
    with project.open("a", encoding="utf-8") as file:
        file.write(f"\n{pasted}\n")
    assert run("check").code == 0
    router = MultiRoute.from_project(project)
    principal = router.authenticate(((b"authorization", b"Bearer " + secret[1].encode()),))
    assert principal.key == "web"
    assert principal.profiles == {"balanced", "fragile"}
    try:
        router.authenticate(((b"authorization", b"Bearer mr-another"),))
    except Unauthorized:
        return
    raise AssertionError("any key is let in")


def test_the_secret_is_shown_once_and_written_nowhere(project, run):
    before = project.read_bytes()
    done = run("keys", "new", "web")
    secret = re.search(r"mr-\S+", done.out)
    assert secret
    assert (done.out + done.err).count(secret[0]) == 1
    assert project.read_bytes() == before


def test_no_two_keys_are_alike(folder, run):
    first, second = (json.loads(run("keys", "new", "web", "--json").out) for _ in range(2))
    assert first["secret"] != second["secret"]
    assert first["toml"].startswith("[keys.web]\n")
    assert first["hash"] in first["toml"]
    assert first["secret"] not in first["toml"]


def test_a_name_that_is_taken_is_refused_with_its_place(project, run):
    text = run("keys", "new", "web", "--json").out
    with project.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.loads(text)['toml']}\n")
    done = run("keys", "new", "web")
    assert done.code == 2
    assert re.search(r"multiroute\.toml:\d+", done.err.replace("\n", ""))
    assert "mr-" not in done.out


def test_a_name_that_the_file_would_not_take_is_refused(folder, run):
    done = run("keys", "new", "two words")
    assert done.code == 2
    assert "not a valid name" in done.err


def test_a_name_with_a_dot_is_quoted(project, run):
    toml = json.loads(run("keys", "new", "team.web", "--json").out)["toml"]
    with project.open("a", encoding="utf-8") as file:
        file.write(f"\n{toml}\n")
    assert run("check").code == 0
