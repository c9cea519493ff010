"""Finding, reading and merging the files of a project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from multiroute_core.api.errors import ConfigError
from multiroute_core.project import (
    ProjectError,
    find_project_file,
    inspect_project,
    load_project,
    project_from_data,
)

Write = Callable[..., Path]


def problems_of(path: Path) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        load_project(path)
    assert isinstance(caught.value, ConfigError)
    assert str(caught.value).splitlines() == [str(p) for p in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def test_a_sound_file_loads_with_places_and_without_warnings(write: Write):
    project = load_project(write())
    assert project.path == Path("multiroute.toml")
    assert project.folder == Path()
    assert project.sources == (Path("multiroute.toml"),)
    assert project.warnings == ()
    assert project.where(("profiles", "fast", "score", "use", 1)) == "multiroute.toml:31"
    assert project.where(("providers", "acme", "base_url")) == "multiroute.toml:13"
    assert project.file.plugin_of("acme") == project.file.plugin_of("acme-us") == "acme"
    assert str(project.file.models["lab/large-1.5"].serve[1]) == "acme-us:large:v2"
    assert project.file.profiles["fast"].limits.attempts == 4
    assert project.file.profiles["fast"].limits.timeouts.connect == 0.25
    assert project.file.keys["web"].digest == bytes(32)


def test_an_absolute_path_stands_in_messages_as_it_was_given(write: Write):
    path = write("schema = 3").resolve()
    assert problems_of(path)[0].startswith(f"{path}:1: 'schema' must be 1")


# ---- finding


def test_the_plain_file_is_found_and_parents_are_not_searched(write: Write, tmp_path: Path):
    write()
    (tmp_path / "below").mkdir()
    assert find_project_file(tmp_path) == tmp_path / "multiroute.toml"
    assert find_project_file(tmp_path / "below") is None
    assert load_project(tmp_path).path == tmp_path / "multiroute.toml"


def test_a_folder_without_a_file_says_what_is_missing(tmp_path: Path):
    (message,) = problems_of(tmp_path)
    assert "has neither multiroute.toml nor a pyproject.toml" in message


def test_a_pyproject_counts_only_with_its_table(tmp_path: Path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[project]\nname = "multiroute-user"\n')
    assert find_project_file(tmp_path) is None
    pyproject.write_text('[project]\nname = "x"\n\n[tool.multiroute.project]\nname = "x"\n')
    assert find_project_file(tmp_path) == pyproject


def test_both_files_are_an_error_that_names_both(write: Write, tmp_path: Path):
    write(more={"pyproject.toml": '[project]\nname = "x"\n[tool.multiroute]\nschema = 1\n'})
    with pytest.raises(ProjectError) as caught:
        find_project_file(Path())
    (problem,) = caught.value.problems
    assert str(problem) == (
        "pyproject.toml:3: [tool.multiroute] and multiroute.toml both hold the project "
        "(keep one of them)"
    )
    Path("pyproject.toml").write_text('[project]\nname = "x"\n')
    assert find_project_file(Path()) == Path("multiroute.toml")


def test_a_broken_pyproject_matters_only_where_it_holds_the_project(write: Write):
    write(more={"pyproject.toml": "[tool.multiroute]\nx = \n"})
    assert find_project_file(Path()) == Path("multiroute.toml")
    Path("multiroute.toml").unlink()
    assert find_project_file(Path()) == Path("pyproject.toml")
    (message,) = problems_of(Path("pyproject.toml"))
    assert message == "pyproject.toml:2: not valid TOML: this is not a TOML value"


def test_pyproject_form_has_the_same_keys_and_lines_of_its_own(example: str, write: Write):
    nested = example.replace("schema = 1", "[tool.multiroute]\nschema = 1", 1)
    nested = nested.replace("\n[", "\n[tool.multiroute.").replace("[[tool", "[tool")
    nested = nested.replace("[tool.multiroute.tool.multiroute]", "[tool.multiroute]")
    text = '[project]\nname = "user"\n\n' + nested
    project = load_project(write(more={"pyproject.toml": text}).with_name("pyproject.toml"))
    assert project.digest == load_project(Path("multiroute.toml")).digest
    assert project.where(("keys", "web", "hash")).startswith("pyproject.toml:")
    line = int(project.where(("keys", "web", "hash")).rpartition(":")[2])
    assert text.splitlines()[line - 1].startswith("hash")
    assert project.where(()) == "pyproject.toml:4"

    Path("pyproject.toml").write_text(text.replace("profiles = [", "profils = ["))
    (message,) = problems_of(Path("pyproject.toml"))
    assert "unknown key 'profils' in [keys.web] (did you mean 'profiles'?)" in message


# ---- files that are no TOML


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \n", "multiroute.toml:2: not valid TOML: this is not a TOML value"),
        (b"a = 1\n\na = 2\n", "multiroute.toml:3: not valid TOML: this key is defined twice"),
        (
            b'[models."a.b"]\n[x]\n[models."a.b"]\n',
            'multiroute.toml:3: not valid TOML: the table [models."a.b"] is defined twice',
        ),
        (b"a = 1\nb = [\n\n", "multiroute.toml:3: not valid TOML: "),
        (b"a = 1\nb = '\xff'\n", "multiroute.toml:2: is not UTF-8 text"),
        (b"a = " + b"[" * 5000, "multiroute.toml: is nested too deeply"),
        (b"a = " + b"9" * 5000, "multiroute.toml: holds a number or date out of range"),
    ],
)
def test_what_cannot_be_parsed_is_one_problem_with_its_line(
    content: bytes, message: str, write: Write
):
    path = write("")
    path.write_bytes(content)
    (problem,) = problems_of(path)
    assert problem.startswith(message)
    assert inspect_project(path).project is None


def test_a_missing_file_and_a_byte_order_mark(write: Write):
    (message,) = problems_of(Path("elsewhere.toml"))
    assert message == "elsewhere.toml: cannot be read: No such file or directory (check the path)"
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_project(path).where(("keys", "web")) == "multiroute.toml:48"


# ---- include

MAIN = 'schema = 1\ninclude = ["routes/*.toml"]\n[plugins]\nenable = ["acme"]\n'
ACME = '[providers.acme]\napi_keys = [{ env = "A" }]\n'


def test_included_files_are_read_as_one_document(write: Write):
    path = write(
        MAIN + '[[expect]]\nname = "1"\nrequest = {}\nassert = { a = 1 }\n',
        {
            "routes/b.toml": '\n[profiles.b]\nextends = "a"\n'
            '[[expect]]\nname = "2"\nrequest = {}\nassert = { a = 1 }\n',
            "routes/a.toml": ACME + '[profiles.a]\ncandidates = ["x/y"]\n[aliases]\nq = "a"\n',
            "routes/notes.txt": "not TOML",
        },
    )
    project = load_project(path)
    assert [str(source) for source in project.sources] == [
        "multiroute.toml",
        "routes/a.toml",
        "routes/b.toml",
    ]
    assert project.file.profiles["b"].candidates == ("x/y",)
    assert project.where(("profiles", "b", "extends")) == "routes/b.toml:3"
    assert project.where(("profiles", "b", "candidates", 0)) == "routes/a.toml:4"
    assert [case.name for case in project.file.expect] == ["1", "2"]
    assert project.where(("expect", 0, "name")) == "multiroute.toml:6"
    assert project.where(("expect", 1, "name")) == "routes/b.toml:5"


def test_a_key_or_table_that_two_files_define_names_both_places(write: Write):
    path = write(
        MAIN + '[aliases]\nq = "x/y"\n[profiles.a]\ncandidates = ["x/y"]\n',
        {"routes/a.toml": '[profiles.a]\norder = "cost"\n\n[aliases]\nr = "x/y"\nq = "x/z"\n'},
    )
    assert problems_of(path) == [
        "routes/a.toml:1: the table [profiles.a] is defined twice (first at multiroute.toml:7)",
        "routes/a.toml:6: 'q' is defined twice in [aliases] (first at multiroute.toml:6)",
    ]


def test_a_sub_table_may_stand_in_another_file(write: Write):
    main = MAIN + '[profiles.a]\ncandidates = ["x/y"]\n'
    path = write(main, {"routes/a.toml": '[profiles.a.limits]\ndeadline = "3s"\n'})
    assert load_project(path).file.profiles["a"].limits.deadline == 3.0


def test_included_files_hold_tables_only_and_their_mistakes_are_told_together(write: Write):
    path = write(
        MAIN.replace('"]', '", "gone.toml", "/etc/x.toml", "no/*.toml"]', 1),
        {
            "routes/a.toml": "schema = 1\ninclude = []\nloose = 1\n[gatway]\n",
            "routes/b.toml": "[broken\n",
        },
    )
    messages = [str(p) for p in inspect_project(path).problems]
    assert messages == [
        "multiroute.toml:2: 'include[1]' matches no file (patterns are relative to this file)",
        "multiroute.toml:2: 'include[2]' must be relative to this file",
        "multiroute.toml:2: warning: 'include[3]' matches no file "
        "(patterns are relative to this file)",
        *(
            f"routes/a.toml:{line}: '{key}' cannot stand in an included file "
            "(an included file holds tables only; write it in the main file)"
            for line, key in ((1, "schema"), (2, "include"), (3, "loose"))
        ),
        "routes/a.toml:4: unknown key 'gatway' (did you mean 'gateway'?)",
        next(m for m in messages if m.startswith("routes/b.toml:1: not valid TOML")),
    ]


def test_a_pattern_that_matches_the_main_file_does_not_include_it_again(write: Write):
    path = write('include = ["*.toml"]\n', {"other.toml": '[project]\nname = "o"\n'})
    assert load_project(path).file.project.name == "o"


# ---- digest


def test_the_digest_is_of_the_content_not_of_the_spelling(write: Write):
    first = load_project(write(MAIN.replace("routes", "x") + ACME + "[aliases]\nq = 'x/y'\n"))
    second = load_project(
        write(MAIN + "# comment\n[aliases]\n'q' = \"x/y\"\n", {"routes/a.toml": ACME})
    )
    assert first.digest == second.digest
    priced = "[models.'x/y'.price]\ninput = "
    digests = {load_project(write(priced + number)).digest for number in ("1", "1.0", "1.00")}
    assert len(digests) == 1
    assert load_project(write(priced + "1.01")).digest not in digests


# ---- without a file


def test_settings_built_in_memory_go_through_the_same_checks(tmp_path: Path):
    data = {"plugins": {"enable": ["acme"]}, "providers": {"acme": {}}}
    project = project_from_data(data, tmp_path)
    assert project.path is None
    assert project.folder == tmp_path
    assert project.where(("providers", "acme")) == "built-in settings"
    with pytest.raises(ProjectError, match="built-in settings: the provider plugin 'acme' is not"):
        project_from_data({"providers": {"acme": {}}}, tmp_path)
