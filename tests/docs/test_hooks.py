"""docs/reference/hooks.md says what the code says, and every plugin on the page works."""

from __future__ import annotations

import ast
import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from multiroute_core import MultiRoute
from multiroute_core.api import hookspecs
from multiroute_core.plugins import Kernel, discover
from multiroute_core.testing import Answer, ScriptedUpstream, chat_reply

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "reference" / "hooks.md"


@dataclass(frozen=True)
class Hook:
    """A hook as the code declares it."""

    name: str
    signature: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One hook's part of the page."""

    heading: str
    text: str

    @property
    def name(self) -> str:
        return self.heading.partition("(")[0]

    @property
    def kind(self) -> str:
        """The kind of plugin that its example is: the settings' one is a scorer."""
        made = self.name.removeprefix("multiroute_make_")
        return "scorer" if made == self.name else made

    @property
    def plugin(self) -> str:
        """The source of its example."""
        blocks = re.findall(r"^```python\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        return next(block for block in blocks if "@hookimpl" in block)


def _hooks() -> list[Hook]:
    tree = ast.parse(Path(hookspecs.__file__).read_text(encoding="utf-8"))
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("multiroute_"):
            assert node.returns is not None
            signature = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
            found.append(Hook(node.name, signature, tuple(a.arg for a in node.args.args)))
    return found


def _sections() -> list[Section]:
    text = re.sub(r"^```.*?^```$", lambda m: m[0].replace("\n#", "\n\0"),
                  _PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)  # fmt: skip
    parts = re.split(r"^## (multiroute_.*)$", text, flags=re.MULTILINE)
    sections = []
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        body = re.split(r"^#{1,2} ", body, maxsplit=1, flags=re.MULTILINE)[0]
        sections.append(Section(heading.strip(), body.replace("\n\0", "\n#")))
    return sections


_HOOKS = {hook.name: hook for hook in _hooks()}
_SECTIONS = _sections()
_each = pytest.mark.parametrize("section", _SECTIONS, ids=lambda section: section.name)


def test_every_hook_has_one_section_whose_heading_is_its_exact_signature():
    assert [s.heading for s in _SECTIONS] == [hook.signature for hook in _HOOKS.values()]


@_each
def test_every_argument_is_documented_and_no_other(section: Section):
    documented = re.findall(r"^- `(\w+)`:", section.text, re.MULTILINE)
    assert tuple(documented) == _HOOKS[section.name].arguments


@_each
def test_a_section_says_when_the_hook_is_called_and_that_it_must_not_block(section: Section):
    prose = " ".join(section.text.split())
    assert "Called once for each" in prose
    assert "must not block" in prose
    assert "None" in prose


def test_the_table_names_every_group_with_its_factory_and_what_it_makes():
    rows = re.findall(r"^\| `multiroute\.(\w+)` \| `(\w+)` \| `(\w+)`: ", _PAGE.read_text("utf-8"),
                      re.MULTILINE)  # fmt: skip
    factories = {
        hook.name: hook.signature.rpartition("-> ")[2]
        for hook in _HOOKS.values()
        if hook.name != "multiroute_settings"
    }
    assert {factory: made for _, factory, made in rows} == factories
    assert all(factory == f"multiroute_make_{g.removesuffix('s')}" for g, factory, _ in rows)


class _Runtime:
    """What a provider is given, with nothing behind it."""

    instance = "acme"
    base_url = "http://127.0.0.1:1"
    credentials = ("1",)

    def secret(self, credential: str) -> str:
        return "s"


def _loaded(section: Section, folder: Path) -> tuple[Kernel, str]:
    path = folder / "my_plugin.py"
    path.write_text(section.plugin, encoding="utf-8")
    return Kernel.load(discover([]), local=[path]), "my_plugin"


@_each
def test_the_plugin_under_a_hook_works(section: Section, tmp_path: Path):
    kernel, name = _loaded(section, tmp_path)
    assert kernel.names(section.kind) == (name,)
    settings = kernel.validate_settings(section.kind, name, None)
    make = getattr(kernel, f"make_{section.kind}")
    arguments = {
        "provider": ("acme", settings, _Runtime()),
        "store": ("my_plugin:", settings),
    }.get(section.kind, (settings,))
    assert make(name, *arguments) is not None, "the kernel checks it against its Protocol"


def test_settings_of_the_example_are_checked(tmp_path: Path):
    section = next(s for s in _SECTIONS if s.name == "multiroute_settings")
    kernel, name = _loaded(section, tmp_path)
    settings = kernel.validate_settings("scorer", name, {"points": 2})
    assert settings is not None
    assert settings.model_dump() == {"points": 2.0}
    with pytest.raises(ValueError, match="pints"):
        kernel.validate_settings("scorer", name, {"pints": 2})


_PROJECT = """
[plugins]
local = ["acme.py", "short.py", "next.py", "slowest.py"]

[providers.acme]
base_url = "{url}"
api_keys = [{{ env = "ACME_API_KEY" }}]

[models."acme/large"]
serve = ["acme:large-2"]
[models."acme/tiny"]
serve = ["acme:t"]

[profiles.mine]
candidates = ["acme/large", "acme/tiny"]
[profiles.mine.score]
use = ["short"]
[profiles.mine.fallback]
use = "next"
"""


def test_the_plugins_of_the_page_answer_a_request_together(tmp_path: Path, capsys):
    plugins = {"acme": "provider", "short": "scorer", "next": "fallback", "slowest": "observer"}
    for name, kind in plugins.items():
        source = next(s for s in _SECTIONS if s.name == f"multiroute_make_{kind}").plugin
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")

    async def ask() -> str:
        # the shortest name goes first, and fails; then the strategy's next candidate answers
        answers = {"t": Answer(status=503, body={"error": {"message": "busy"}})}
        answered = Answer(body=chat_reply("Hello from acme.", model="large-2"))

        def step(request):
            assert request.header("authorization") == "Bearer s3cret"
            return answers.get(request.json()["model"], answered)

        async with ScriptedUpstream(step) as upstream:
            config = tmp_path / "multiroute.toml"
            config.write_text(_PROJECT.format(url=upstream.base_url), encoding="utf-8")
            environ = {"ACME_API_KEY": "s3cret"}
            async with MultiRoute.from_project(config, environ=environ) as router:
                messages = [{"role": "user", "content": "Hi"}]
                reply = await router.chat(model="mine", messages=messages)
            assert [r.json()["model"] for r in upstream.requests] == ["t", "large-2"]
        return reply.text

    assert asyncio.run(ask()) == "Hello from acme."
    assert "the slowest call took" in capsys.readouterr().out
