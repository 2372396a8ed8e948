"""Training that can prove itself: configuration, provenance and an auditable log.

    >>> import repro
    >>> workspace = repro.workspace("my-workspace")
    >>> outcome = workspace.train(target="fwd_ret_5d", seed=7)
    >>> workspace.verify(outcome.run).verdict
    'reproduced'

Nothing of this is loaded before it is used: the commands begin here, too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.api import Workspace as Workspace
    from repro.api import init as init
    from repro.api import workspace as workspace
    from repro.audit_log.errors import LogError as LogError
    from repro.errors import DeterminismError as DeterminismError
    from repro.errors import InputError as InputError
    from repro.errors import IntegrityError as IntegrityError
    from repro.errors import InterruptedRunError as InterruptedRunError
    from repro.errors import NotExecutableError as NotExecutableError
    from repro.errors import NotFoundError as NotFoundError
    from repro.errors import ProblemsError as ProblemsError
    from repro.errors import ReproError as ReproError
    from repro.errors import TrainingError as TrainingError
    from repro.errors import UsageError as UsageError
    from repro.verbs.observer import Observer as Observer

__version__ = "0.1.0"

_ERRORS = "repro.errors"
_OFFERED = {
    "Workspace": ("repro.api", "Workspace"),
    "init": ("repro.api", "init"),
    "workspace": ("repro.api", "workspace"),
    "Observer": ("repro.verbs.observer", "Observer"),
    "LogError": ("repro.audit_log.errors", "LogError"),
    "DeterminismError": (_ERRORS, "DeterminismError"),
    "InputError": (_ERRORS, "InputError"),
    "IntegrityError": (_ERRORS, "IntegrityError"),
    "InterruptedRunError": (_ERRORS, "InterruptedRunError"),
    "NotExecutableError": (_ERRORS, "NotExecutableError"),
    "NotFoundError": (_ERRORS, "NotFoundError"),
    "ProblemsError": (_ERRORS, "ProblemsError"),
    "ReproError": (_ERRORS, "ReproError"),
    "TrainingError": (_ERRORS, "TrainingError"),
    "UsageError": (_ERRORS, "UsageError"),
}
"""What ``import repro`` offers, and where it is."""
__all__ = ["__version__", *_OFFERED]


def __getattr__(name: str) -> Any:
    """Return what is offered under a name; it is loaded with its first use."""
    try:
        module, inside = _OFFERED[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(module), inside)


def __dir__() -> list[str]:
    return sorted(__all__)
