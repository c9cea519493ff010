"""PluginProblem: one reason why a plugin cannot be used, and the error that carries several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from multiroute_core.api import PluginError


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """One reason why a plugin cannot be used. Holds no secret and no value of a setting.

    `name` is what the project file calls it: the name in `enable`, a store's scheme, a local
    file's stem (then `local` is its path as given).
    """

    name: str
    message: str
    hint: str = ""
    local: Path | None = None

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class PluginErrors(PluginError):
    """Plugins cannot be used: every reason at once. Stops the start with exit code 2."""

    def __init__(self, problems: Iterable[PluginProblem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refusal(name: str, message: str, hint: str = "", local: Path | None = None) -> PluginErrors:
    """The error for one problem."""
    return PluginErrors([PluginProblem(name, message, hint, local)])
