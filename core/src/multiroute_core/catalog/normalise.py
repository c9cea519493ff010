"""Rules that turn a provider's own model name into a normalised id `lab/name`.

What an offering adds to a model is taken off the name: who serves it, region, date, stage,
quantisation, `:free`, context size, effort. It is taken off one piece at a time, and the first
rest that is a known model wins: `x1-turbo` stays itself where such a model is known. Which
word names a lab or a host is data (`NameRules`), never code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

_NO_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_NO_STARTS: Final[Mapping[str, str]] = MappingProxyType({})


class NameRules(Struct, frozen=True, omit_defaults=True):
    """What the rules must be told about the world; ships as data with the facts about models.

    `labs`: other spellings of a lab's name, by lab. `hosts`: words before a model's name that say
    who serves or repackages it. `starts`: how names of a lab's models begin, longest first wins.
    """

    labs: Mapping[str, tuple[str, ...]] = _NO_WORDS
    hosts: tuple[str, ...] = ()
    starts: Mapping[str, str] = _NO_STARTS


class Normalised(NamedTuple):
    """A name taken apart. `model` is `lab/name`; `known` says whether the catalog has it."""

    model: str
    snapshot: str | None = None
    attributes: tuple[str, ...] = ()
    known: bool = True


_REGIONS: Final = frozenset(
    {
        *("us", "eu", "au", "ap", "jp", "in", "uk", "ca", "sa", "apac", "global", "regional"),
        *("us-gov", "us-gov-west-1", "us-gov-east-1"),
    }
)
_SAFE: Final = re.compile(
    r"""[-:@](
        free | latest | default | instruct | it | hf | maas | tee | batch | flex | priority
      | preview | exp | experimental | beta | alpha | original | exacto | extended | online
      | (?:nv|mx)?fp\d+ | bf16 | int[48] | \d-?bit | awq | gptq | gguf | w\d+a\d+
      | i?q\d(?:[-_]\w+)* | lora | \d+k | (?:gt|lte)-\d+k
    )$""",
    re.VERBOSE,
)
"""Pieces that never make another model of it."""

_VARIANT: Final = re.compile(
    r"""[-:@](
        fast | turbo | lightning | instant | tput | versatile | specdec | cloud | chat
      | (?:non-)?(?:thinking|reasoning)(?:[-:]\d{4,})? | no-thinking
      | minimal | low | medium | high | xhigh | max
    )$""",
    re.VERBOSE,
)
"""Pieces that are a way to run the model where the rest is a known one, else part of its name."""

_DATES: Final = (
    re.compile(r"[-@:](20\d\d)[-.]?(0[1-9]|1[0-2])[-.]?([0-3]\d)$"),
    re.compile(r"[-@:]((?:0[1-9]|1[0-2]))-(20\d\d)$"),
    re.compile(r"[-@:](2\d(?:0[1-9]|1[0-2])[0-3]\d)$"),
    re.compile(r"[-@:](2[2-9](?:0[1-9]|1[0-2]))$"),
    re.compile(r"[-@:]((?:0[1-9]|1[0-2])-?[0-3]\d)$"),
    re.compile(r"[-@:](00\d)$"),
)
_REVISION: Final = re.compile(r"-v\d+(?::\d+)?$|-\d:\d+$|(?<=[a-z]):\d$|-v[0][.p-]\d$")
_DASHED_VERSION: Final = re.compile(r"(?<![\d.])(\d{1,2})-(\d)(?=$|-)")
_POINT: Final = re.compile(r"(?<=\d)p(?=\d)")
_SQUEEZED: Final = re.compile(r"[-_. :]+")
_SIZE: Final = re.compile(r"(?:a|e)?\d+(?:\.\d+)?(?:b|t|m)|\d+e")

_Named: TypeAlias = tuple[str, str | None, tuple[str, ...]]
"""A name with what was taken off its end: snapshot and attributes."""


def squeezed(name: str) -> str:
    """A name without what spellings differ in: case, separators, the point of a version.

    >>> squeezed("Acme-X2_6") == squeezed("acme-x2.6") == squeezed("acme-x2p6")
    True
    """
    return _SQUEEZED.sub("", _POINT.sub(".", name.lower()))


class Normaliser:
    """Rules bound to the models and aliases that are known. Immutable after it was made.

    `aliases` are names that beat the rules, and the ids they stand for: a name, `lab/name`, or
    `provider:name` where it means something else at one provider.
    """

    def __init__(
        self,
        rules: NameRules,
        known: Iterable[str],
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._starts = sorted(rules.starts.items(), key=lambda item: (-len(item[0]), item[0]))
        self._labs = {lab: lab for lab in rules.labs}
        for lab, spellings in rules.labs.items():
            self._labs.update(dict.fromkeys(spellings, lab))
        self._hosts = frozenset(rules.hosts)
        self._full: dict[str, str] = {}
        self._bare: dict[str, str | None] = {}
        self._loose: dict[tuple[str, ...], list[tuple[frozenset[str], str]]] = {}
        for model in known:
            self._add(model.partition("/")[2], model)
        self._at: dict[str, str] = {}
        for alias, model in aliases.items():
            provider, _, told = alias.rpartition(":")
            if provider:
                self._at[f"{provider}:{squeezed(told)}"] = model
                continue
            key = squeezed(alias.rpartition("/")[2])
            self._full[f"{model.partition('/')[0]}/{key}"] = model
            self._bare[key] = model
        words = {*self._labs, *self._hosts}
        self._words = sorted(words, key=lambda word: (-len(word), word))

    def _add(self, name: str, model: str) -> None:
        lab = model.partition("/")[0]
        self._labs.setdefault(lab, lab)
        key = squeezed(name)
        self._full.setdefault(f"{lab}/{key}", model)
        # the same bare name from two labs says nothing
        self._bare[key] = model if self._bare.get(key, model) == model else None
        words, sizes = words_and_sizes(name)
        self._loose.setdefault((lab, *words), []).append((sizes, model))

    def normalise(self, upstream_id: str, provider: str = "") -> Normalised | None:
        """The model behind a provider's name, or None where not even the lab can be told.

        `provider` helps only where the name does not say a lab and the provider is one.
        """
        explicit = self._at.get(f"{provider}:{squeezed(upstream_id)}")
        if explicit is not None:
            return Normalised(explicit)
        lab, name = self._split(upstream_id)
        names = [named for rest in self._prefixes(name) for named in _suffixes(rest)]
        for look in (self._exact, self._elsewhere, self._loosely):
            for shorter, snapshot, attributes in names:
                model = look(shorter, lab, self._labs.get(provider, ""))
                if model is not None:
                    return Normalised(model, snapshot, attributes)
        return self._made_up(name, lab)

    def _split(self, upstream_id: str) -> tuple[str, str]:
        """The lab that a name states ("" where none), and the name without path and region."""
        text = re.sub(r"[_ ]|--+", "-", upstream_id.strip().lower())
        *path, name = [part for part in text.split("/") if part] or [""]
        lab = ""
        for part in reversed(path):
            word = part.lstrip("@~").rpartition(":")[2]
            if word in self._labs and word not in self._hosts:
                lab = self._labs[word]
                break
        while "." in name:
            head, _, tail = name.partition(".")
            if head in _REGIONS or head in self._hosts:
                name = tail
            elif head in self._labs and tail:
                lab, name = lab or self._labs[head], tail
            else:
                break
        return lab, name

    def _prefixes(self, name: str) -> list[str]:
        """The name, and with up to two leading words of labs or hosts taken off."""
        names = [name]
        for _ in range(2):
            for longer in tuple(names):
                for word in self._words:
                    rest = longer.removeprefix(word + "-")
                    if rest != longer and len(rest) > 2 and rest not in names:
                        names.append(rest)
        return names

    def _exact(self, name: str, lab: str, provider: str) -> str | None:
        key = squeezed(name)
        if lab:
            return self._full.get(f"{lab}/{key}")
        model = self._full.get(f"{provider}/{key}") if provider else None
        return model or self._bare.get(key)

    def _elsewhere(self, name: str, lab: str, provider: str) -> str | None:
        """A name without its lab (`lab/x1` for `lab-x1`), or a lab that serves another's model."""
        home = lab or provider
        if home:
            model = self._full.get(f"{home}/{squeezed(home + name)}")
            if model is not None:
                return model
        begun = self._begun(name)
        return self._full.get(f"{begun}/{squeezed(name)}") if begun else None

    def _loosely(self, name: str, lab: str, provider: str) -> str | None:
        """The only model with the same words in any order, sizes left out or added."""
        words, sizes = words_and_sizes(name)
        home = lab or self._begun(name)
        group = self._loose.get((home, *words), ())
        found = [
            model
            for theirs, model in group
            if (sizes <= theirs or theirs <= sizes) and (theirs or not sizes or len(group) == 1)
        ]
        told = len(words) > 1 or any(letter.isdigit() for word in words for letter in word)
        return found[0] if len(found) == 1 and told else None

    def _begun(self, name: str) -> str:
        return next((lab for start, lab in self._starts if name.startswith(start)), "")

    def _made_up(self, name: str, lab: str) -> Normalised | None:
        """The id that a model which nobody told us of would have."""
        for rest in self._prefixes(name):
            begun = self._begun(rest)
            if begun:
                lab, name = lab or begun, rest
                break
        if not lab:
            return None
        *_, (name, snapshot, attributes) = _suffixes(name, variants=False)
        name = _dotted(name).replace(":", "-").strip("-.")
        return Normalised(f"{lab}/{name}", snapshot, attributes, known=False) if name else None


def _dotted(name: str) -> str:
    return _DASHED_VERSION.sub(r"\1.\2", _POINT.sub(".", name))


def words_and_sizes(name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The words of a name in order of the alphabet, and its parameter counts (70b, a3b, 16e)."""
    pieces = [piece for piece in re.split(r"[-:@]", _dotted(name)) if piece]
    sizes = frozenset(piece for piece in pieces if _SIZE.fullmatch(piece))
    return tuple(sorted(piece for piece in pieces if piece not in sizes)), sizes


def _suffixes(name: str, variants: bool = True) -> Iterator[_Named]:
    """The name, then with one more piece taken off its end each time."""
    snapshot: str | None = None
    attributes: tuple[str, ...] = ()
    yield name, snapshot, attributes
    while True:
        piece = _SAFE.search(name)
        dated = next((hit for date in _DATES if (hit := date.search(name))), None)
        revision = _REVISION.search(name)
        if piece is None and (dated is None or snapshot) and revision is None and variants:
            piece = _VARIANT.search(name)
        if piece is not None:
            name, attributes = name[: piece.start()], (piece.group(1), *attributes)
        elif dated is not None and snapshot is None:
            name, snapshot = name[: dated.start()], _digits(dated)
        elif revision is not None:
            name = name[: revision.start()]
        else:
            return
        if not name:
            return
        yield name, snapshot, attributes


def _digits(dated: re.Match[str]) -> str:
    groups = dated.groups()
    if len(groups) == 2:
        groups = (groups[1], groups[0])
    return "".join(groups).replace("-", "")
