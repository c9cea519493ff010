"""Project-local plugins: a Python file or package folder of the user's own, named by its path."""

from __future__ import annotations

import hashlib
import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from multiroute_core.plugins.problems import refusal
from multiroute_core.plugins.telling import told

MODULE_PREFIX: Final = "multiroute_local_"


class _FreshLoader(SourceFileLoader):
    """Compiles what stands in the file now.

    The standard loader trusts a cached `.pyc` by whole seconds and size, so that a quick edit
    before a reload could run the old code; and it would write `__pycache__` beside the file.
    """

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path)
        code: CodeType = self.source_to_code(source, self.path)
        return code


def local_name(path: Path) -> str:
    """The plugin's name: the file's stem, or the folder's name.

    >>> local_name(Path("./my_scorer.py")), local_name(Path("plugins/mine/"))
    ('my_scorer', 'mine')
    """
    return path.stem if path.suffix == ".py" else path.resolve().name


def module_name(path: Path) -> str:
    """An import name of its own for each path; a reload of the file replaces the module."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"{MODULE_PREFIX}{re.sub(r'[^0-9A-Za-z_]', '_', local_name(path))}_{digest}"


def load_local(path: Path) -> ModuleType:
    """Import a local file, or a folder with an `__init__.py`, as it stands now.

    Raises:
        PluginErrors: it is missing or fails at import; the message has file and line.
    """
    name = local_name(path)
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        what = "is a folder without __init__.py" if path.is_dir() else "does not exist"
        raise refusal(
            name,
            f"local plugin {path} {what}",
            "[plugins] local takes the path of a .py file or of a package folder",
            path,
        )
    if file.suffix != ".py":
        raise refusal(
            name, f"local plugin {path} is not a .py file", "rename it, or name the .py file", path
        )
    module = module_name(path)
    spec = spec_from_file_location(
        module,
        file.resolve(),
        loader=_FreshLoader(module, str(file.resolve())),
        submodule_search_locations=[str(path.resolve())] if path.is_dir() else None,
    )
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    previous = {
        loaded: sys.modules.pop(loaded)
        for loaded in tuple(sys.modules)
        if loaded == module or loaded.startswith(f"{module}.")
    }
    sys.modules[module] = made  # dataclasses and pydantic look their module up while it is made
    try:
        spec.loader.exec_module(made)
    except KeyboardInterrupt:
        raise
    # A border: the user's code runs here; a SystemExit must not pass for a clean end.
    except BaseException as exc:
        sys.modules.pop(module, None)
        sys.modules.update(previous)
        within = path.resolve()
        raise refusal(
            name,
            f"local plugin {path} failed at import: {told(exc, within=within)}",
            "mend the file, or take it out of [plugins] local",
            path,
        ) from exc
    return made
