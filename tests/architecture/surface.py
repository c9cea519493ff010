"""The public surface as text: every name, signature and field that a plugin's author can reach.

Read from the sources, not from imported objects, so that it is the same under every Python.
`make surface` writes it; a test compares. A line that goes or changes breaks somebody's plugin.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_name("public_surface.txt")
_SRC = ROOT / "core" / "src"
_CORE = _SRC / "multiroute_core"
_HEADER = "# Written by `make surface`. Read the diff before you commit: it is the contract.\n"


def dump() -> str:
    """The contract in full; of the codecs and of the test kit, the names they export."""
    blocks = [_module(path) for path in sorted((_CORE / "api").rglob("*.py"))]
    for parent in (_CORE / "wire", _CORE / "testing"):
        blocks += [_exports(path) for path in sorted(parent.rglob("__init__.py"))]
    return _HEADER + "\n" + "\n".join(block for block in blocks if block)


def _name(path: Path) -> str:
    return ".".join(path.relative_to(_SRC).with_suffix("").parts).removesuffix(".__init__")


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module(path: Path) -> str:
    lines = [line for node in _parse(path).body for line in _statement(node, "")]
    return "\n".join([f"[{_name(path)}]", *lines, ""]) if lines else ""


def _exports(path: Path) -> str:
    names = [line for node in _parse(path).body for line in _all_of(node)]
    return "\n".join([f"[{_name(path)}]", *names, ""]) if names else ""


def _all_of(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(items) | ast.Tuple(items)):
            yield from sorted(f"export {ast.literal_eval(item)}" for item in items)


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in {"__init__", "__call__"}


def _statement(node: ast.stmt, indent: str) -> Iterator[str]:
    match node:
        case ast.ClassDef() if _is_public(node.name):
            yield from _class(node, indent)
        case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(node.name):
            yield from _function(node, indent)
        case ast.AnnAssign(target=ast.Name(name)) if _is_public(name):
            yield f"{indent}{name}: {ast.unparse(node.annotation)}{_value(node.value)}"
        case ast.Assign(targets=[ast.Name(name)]) if _is_public(name):
            yield f"{indent}{name}{_value(node.value)}"
        case ast.Assign(targets=[ast.Name("__all__")]):
            yield from _all_of(node)
        case ast.If() | ast.Try():
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    yield from _statement(child, indent)


def _class(node: ast.ClassDef, indent: str) -> Iterator[str]:
    yield from _decorators(node.decorator_list, indent)
    bases = ", ".join(ast.unparse(base) for base in (*node.bases, *node.keywords))
    yield f"{indent}class {node.name}({bases})" if bases else f"{indent}class {node.name}"
    for child in node.body:
        yield from _statement(child, indent + "    ")


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, indent: str) -> Iterator[str]:
    yield from _decorators(node.decorator_list, indent)
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    yield f"{indent}{word} {node.name}({ast.unparse(node.args)}){returns}"


def _decorators(nodes: Iterable[ast.expr], indent: str) -> Iterator[str]:
    return (f"{indent}@{ast.unparse(node)}" for node in nodes)


def _value(node: ast.expr | None) -> str:
    """Defaults and aliases are part of the contract; the rows of a table are not."""
    if node is None:
        return ""
    text = ast.unparse(node)
    is_table = isinstance(node, ast.Dict | ast.List | ast.Set | ast.DictComp) and len(text) > 200
    return " = …" if is_table else f" = {text}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        SNAPSHOT.write_text(dump(), encoding="utf-8")
        print(f"wrote {SNAPSHOT.relative_to(ROOT)}")
    else:
        print(dump(), end="")
