"""Options that several commands share, declared once as the fields of a dataclass."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def unbundled(
    command: Callable[..., int], bundle: type, *, last: str | None = None, without: str = ""
) -> Callable[..., int]:
    """Return ``command`` with the fields of ``bundle`` in place of its parameter of that type.

    They stand where the parameter stands, but for the one that comes ``last``, after every other
    argument; the one that the command does ``without`` keeps its default.
    """
    own = inspect.signature(command, eval_str=True)
    declared = inspect.signature(bundle, eval_str=True).parameters.values()
    options = [option for option in declared if option.name != without]
    (name,) = [p.name for p in own.parameters.values() if p.annotation is bundle]
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        here = [option for option in options if option.name != last]
        parameters += here if parameter.name == name else [parameter]
    parameters += [option for option in options if option.name == last]

    @functools.wraps(command)
    def with_options(**given: Any) -> int:
        filled = bundle(**{option.name: given.pop(option.name) for option in options})
        return command(**{name: filled}, **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    shown = own.replace(parameters=[p.replace(kind=keyword) for p in parameters])
    with_options.__signature__ = shown  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return with_options
