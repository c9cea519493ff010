"""PluginFacts: what a plugin states about itself in `plugin.toml`, read without importing it.

The file stands beside the `__init__.py` of the top-level package and has one table for each
(kind, name) of the distribution. A provider or catalog must have its table; for the other kinds
a missing table or file means that there is nothing to state.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from multiroute_core.plugins.discovery import Found
from multiroute_core.plugins.kinds import KINDS, Kind
from multiroute_core.plugins.nearest import did_you_mean
from multiroute_core.plugins.problems import PluginErrors, refusal

FILE_NAME: Final = "plugin.toml"
SCHEMA: Final = 1

AuthKind = Literal["bearer", "header", "sigv4", "oauth", "none"]

_MUST_STATE: Final[frozenset[Kind]] = frozenset({"provider", "catalog"})
_FOR_ALL: Final = frozenset({"title", "description"})
_ALSO: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        "provider": frozenset(
            {
                "auth",
                "base_url",
                "base_url_env",
                "env",
                "fallback_only",
                "keyless",
                "offerings",
                "origins",
                "probe",
                "token_origins",
                "wires",
            }
        ),
        "catalog": frozenset({"models"}),
    }
)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str) -> tuple[SplitResult, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("should be an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("should have no user, query or fragment")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("should be https: plain http is for loopback addresses only")
    return parts, host


def _base_url(url: str) -> str:
    if url:
        _split(url)
    return url.rstrip("/")


def _origin(origin: str) -> str:
    """An origin as browsers write it; `*.` may stand for the leading labels of a domain."""
    parts, host = _split(origin)
    if parts.path:
        raise ValueError("should be an origin: no path, no slash at the end")
    domain = host.removeprefix("*.")
    if "*" in domain or (domain != host and "." not in domain):
        raise ValueError("a wildcard stands for leading labels of a domain: https://*.acme.com")
    return origin


def _probe(url: str) -> str:
    _, host = _split(url)
    if not _is_loopback(host):
        raise ValueError("a probe should be at a loopback address")
    return url


def _file_name(name: str) -> str:
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError("should be the name of a file beside plugin.toml")
    return name


_Origin = Annotated[str, AfterValidator(_origin)]
_EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_FileName = Annotated[str, AfterValidator(_file_name)]


class PluginFacts(BaseModel):
    """One table of `plugin.toml`. What a kind has no use for keeps its default.

    `base_url` "": must be configured, or comes to be known at the start. `env` are environment
    names that hold a credential; zero configuration uses the first that is set. A credential goes
    to `origins` (and to the instance's own base URL) only; `authorize` may also fetch from
    `token_origins`. `probe`: a loopback URL that answers if the provider is running.
    `fallback_only`: zero configuration uses it only where it finds nothing else. `offerings` and
    `models` are data files beside `plugin.toml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: str = ""
    description: str = ""
    base_url: Annotated[str, AfterValidator(_base_url)] = ""
    base_url_env: tuple[_EnvName, ...] = ()
    env: tuple[_EnvName, ...] = ()
    origins: tuple[_Origin, ...] = ()
    token_origins: tuple[_Origin, ...] = ()
    wires: tuple[str, ...] = ()
    auth: tuple[AuthKind, ...] = ()
    keyless: bool = False
    probe: Annotated[str, AfterValidator(_probe)] | None = None
    offerings: _FileName | None = None
    fallback_only: bool = False
    models: _FileName | None = None


def package_folder(found: Found) -> Path | None:
    """The folder of the plugin's top-level package, wheel or editable; None: there is none.

    Nothing is imported: the finders are asked for the top-level name only.
    """
    spec: ModuleSpec | None
    if found.search_path is not None:
        spec = PathFinder.find_spec(found.package, list(found.search_path))
    else:
        try:
            spec = find_spec(found.package)
        except ValueError:  # already imported, but without a spec
            spec = None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def facts_of(found: Found) -> PluginFacts:
    """The facts of one installed plugin.

    Raises:
        PluginErrors: the file or the table is missing where it must not be, or wrong.
    """
    folder = package_folder(found)
    tables = _tables(found, folder / FILE_NAME) if folder is not None else {}
    return _facts(found, folder, tables)


def facts_of_all(found: Iterable[Found]) -> Mapping[Found, PluginFacts | PluginErrors]:
    """The facts of many plugins, each file read once; an error in place of what cannot be read."""
    files: dict[tuple[str, Path], Mapping[str, Mapping[str, object]] | PluginErrors] = {}
    facts: dict[Found, PluginFacts | PluginErrors] = {}
    for one in found:
        folder = package_folder(one)
        key = (one.package, folder or one.root)
        try:
            if key not in files:
                files[key] = _tables(one, folder / FILE_NAME) if folder is not None else {}
            tables = files[key]
            facts[one] = tables if isinstance(tables, PluginErrors) else _facts(one, folder, tables)
        except PluginErrors as error:
            facts[one] = error
    return MappingProxyType(facts)


def facts_beside(kind: Kind, name: str, folder: Path) -> PluginFacts:
    """The facts of a project-local package; a missing file states nothing."""
    found = Found(kind, name, name, "local", "", None, folder)
    return _facts(found, folder, _tables(found, folder / FILE_NAME), may_be_silent=True)


def data_path(found: Found, filename: str) -> Path:
    """A data file beside `plugin.toml`.

    Raises:
        PluginErrors: it is not there.
    """
    folder = package_folder(found)
    path = None if folder is None else folder / _file_name(filename)
    if path is None or not path.is_file():
        raise refusal(
            found.name,
            f"{found.kind} '{found.name}' ({found.origin}) has no data file {path or filename}",
            f"reinstall {found.distribution}",
        )
    return path


def _tables(found: Found, file: Path) -> Mapping[str, Mapping[str, object]]:
    """The file's tables by kind, each a mapping of name to table; {} where there is no file."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise refusal(
            found.name,
            f"{file}: cannot be read: {exc}",
            f"it belongs to {found.origin}: mend the file, or reinstall the distribution",
        ) from exc
    belongs = f"it belongs to {found.origin}"
    schema = document.pop("schema", None)
    if schema != SCHEMA or isinstance(schema, bool):
        raise refusal(
            found.name,
            f"{file}: 'schema' should be {SCHEMA}",
            f"install a version of {found.distribution} for this core, or add schema = {SCHEMA}",
        )
    for kind, tables in document.items():
        if kind not in KINDS:
            raise refusal(
                found.name,
                f"{file}: unknown kind of plugin [{kind}]",
                f"{did_you_mean(kind, KINDS)}; {belongs}",
            )
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            raise refusal(
                found.name,
                f"{file}: [{kind}] should hold one table for each name",
                f"write [{kind}.{found.name}]; {belongs}",
            )
    return document


def _facts(
    found: Found,
    folder: Path | None,
    tables: Mapping[str, Mapping[str, object]],
    *,
    may_be_silent: bool = False,
) -> PluginFacts:
    who = f"{found.kind} '{found.name}' ({found.origin})"
    table = tables.get(found.kind, {}).get(found.name)
    if table is None:
        if found.kind not in _MUST_STATE or may_be_silent:
            return PluginFacts()
        place = FILE_NAME if folder is None else str(folder / FILE_NAME)
        raise refusal(
            found.name,
            f"{who} states no facts: {place} has no table [{found.kind}.{found.name}]",
            f"reinstall {found.distribution}, or add the table beside __init__.py",
        )
    file = (folder or found.root) / FILE_NAME
    try:
        facts = PluginFacts.model_validate(table)
    except ValidationError as exc:
        mistakes = "; ".join(
            _mistake(found.kind, error["loc"], error["msg"], error["type"])
            for error in exc.errors(include_url=False, include_input=False)
        )
        raise _wrong(found, file, mistakes) from None
    if foreign := facts.model_fields_set - _FOR_ALL - _ALSO.get(found.kind, frozenset()):
        mistakes = "; ".join(f"a {found.kind} has no '{key}'" for key in sorted(foreign))
        raise _wrong(found, file, mistakes)
    return facts


def _mistake(kind: Kind, loc: tuple[int | str, ...], message: str, error_type: str) -> str:
    if error_type == "extra_forbidden":
        near = did_you_mean(str(loc[-1]), _FOR_ALL | _ALSO.get(kind, frozenset()))
        return f"unknown key '{loc[-1]}'" + (f", {near}" if near else "")
    place = ".".join(str(part) for part in loc)
    return f"{place}: {message.removeprefix('Value error, ')}"


def _wrong(found: Found, file: Path, mistakes: str) -> PluginErrors:
    return refusal(
        found.name,
        f"{file}: [{found.kind}.{found.name}]: {mistakes}",
        f"it belongs to {found.origin}: mend the file, or install another version",
    )
