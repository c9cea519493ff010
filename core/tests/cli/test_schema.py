"""`multiroute schema`: core's tables and the active plugins'."""

from __future__ import annotations

import json


def test_the_settings_of_active_plugins_are_part_of_it(project, run):
    done = run("schema")
    assert done.code == 0
    schema = json.loads(done.out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "providers.sandbox" in schema["$defs"]
    assert "fallbacks.ladder" in schema["$defs"]
    assert "scorers.quality" not in schema["$defs"], "installed is not active"


def test_without_a_file_it_holds_cores_tables(folder, run):
    schema = json.loads(run("schema").out)
    assert {"providers", "profiles", "plugins", "keys"} <= set(schema["properties"])
    assert "providers.sandbox" not in schema["$defs"]


def test_a_mistake_in_the_file_is_no_obstacle(project, run):
    project.write_text(project.read_text("utf-8").replace("order =", "ordre ="), encoding="utf-8")
    assert run("schema").code == 0


def test_a_file_that_is_not_toml_is_told(project, run):
    project.write_text("[project\n", encoding="utf-8")
    done = run("schema")
    assert done.code == 2
    assert f"{project.name}:1" in done.err


def test_a_plugin_that_is_not_installed_is_told(project, run):
    project.write_text('[plugins]\nenable = ["nowhere"]\n', encoding="utf-8")
    done = run("schema")
    assert done.code == 2
    assert "'nowhere' is not installed" in done.err
