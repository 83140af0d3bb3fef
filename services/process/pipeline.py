"""What a step, a recipe and a run are.

A step is a function: a frozen container in, a new one out. Its signature declares everything: the first
parameter what it takes, the return annotation what it gives, keyword-only parameters named in `needs` the
auxiliaries, the other keyword-only parameters its settings. A recipe is the list of its steps; the list is
what is executed, and a list that does not fit together fails when its module is imported.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_type_hints

from shared.models.provenance import Source


@dataclass(frozen=True)
class Step:
    """A function of the chain with its settings bound."""

    function: Callable[..., Any]
    takes: type
    gives: type
    needs: frozenset[str]
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in sorted(self.settings.items()))})"


def step(function: Callable[..., Any], /, *, needs: tuple[str, ...] = (), **settings: Any) -> Step:
    """A step from a function, the auxiliaries it needs and its settings; TypeError if they do not fit."""
    signature = inspect.signature(function)
    hints = get_type_hints(function)
    named = {name: p for name, p in signature.parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    positional = [name for name in signature.parameters if name not in named]
    if len(positional) != 1:
        raise TypeError(f"{function.__name__}: a step takes one container, all else by name")
    if unknown := (set(settings) | set(needs)) - set(named):
        raise TypeError(f"{function.__name__} has no parameter {', '.join(sorted(unknown))}")
    bound = {name: p.default for name, p in named.items() if name not in needs} | settings
    if missing := [name for name, value in bound.items() if value is inspect.Parameter.empty]:
        raise TypeError(f"{function.__name__}: neither an auxiliary nor a setting: {', '.join(missing)}")
    return Step(function, hints[positional[0]], hints["return"], frozenset(needs), bound)


@dataclass(frozen=True)
class Recipe:
    """A product's steps in the order in which they are executed; TypeError if they do not fit together."""

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if not issubclass(before.gives, after.takes):
                raise TypeError(
                    f"{self.name}: {after.name} takes {after.takes.__name__}, "
                    f"but {before.name} before it gives {before.gives.__name__}"
                )

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @property
    def needs(self) -> frozenset[str]:
        """All auxiliaries that must be there before the first number."""
        return frozenset().union(*(step.needs for step in self.steps))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the steps and their settings."""
        return hashlib.sha256("\n".join(map(str, self.steps)).encode()).hexdigest()

    def with_settings(self, changes: Mapping[str, Mapping[str, Any]]) -> Recipe:
        """The recipe with other settings of single steps: {step: {setting: value}}; others are left as they are."""
        steps = []
        for each in self.steps:
            changed = dict(changes.get(each.name, {}))
            if unknown := set(changed) - set(each.settings):
                raise TypeError(f"{each.name} has no setting {', '.join(sorted(unknown))}")
            steps.append(replace(each, settings={**each.settings, **changed}))
        return replace(self, steps=tuple(steps))

    def until(self, name: str) -> Recipe:
        """The steps before the one of this name."""
        return replace(self, steps=self.steps[: self._position(name)])

    def starting(self, name: str) -> Recipe:
        """The step of this name and all after it."""
        return replace(self, steps=self.steps[self._position(name) :])

    def _position(self, name: str) -> int:
        names = [step.name for step in self.steps]
        if name not in names:
            raise ValueError(f"{self.name} has no step {name}; its steps are {', '.join(names)}")
        return names.index(name)


def run(recipe: Recipe, container: Any, auxiliaries: Mapping[str, Any]) -> Any:
    """Execute a recipe; each step adds a line to the history and the sources of the auxiliaries it used.

    Raises
    ------
    KeyError : if an auxiliary of any step is missing, before the first step
    """
    if missing := recipe.needs - set(auxiliaries):
        raise KeyError(f"{recipe.name} needs {', '.join(sorted(missing))}")
    for each in recipe:
        used = {name: auxiliaries[name] for name in each.needs}
        result = each.function(container, **used, **each.settings)
        known = {source for value in used.values() for source in _sources(value)}
        container = replace(
            result,
            history=(*container.history, str(each)),
            sources=_together(container.sources, result.sources, known),
        )
    return container


def _sources(auxiliary: Any) -> tuple[Source, ...]:
    """The files behind an auxiliary: one, several for what is derived, none for an absent one."""
    return getattr(auxiliary, "sources", None) or ((auxiliary.source,) if hasattr(auxiliary, "source") else ())


def _together(*groups: Any) -> tuple[Source, ...]:
    """Every source once, in a fixed order."""
    return tuple(sorted(set().union(*groups)))
