"""The rules, as data: code, name, what is found, why it matters, how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

HYPERPARAMETER: Final = "hardcoded-hyperparameter"
SEED: Final = "hardcoded-seed"
THRESHOLD: Final = "hardcoded-threshold"
GLOBAL_RANDOM: Final = "global-randomness"
UNSEEDED: Final = "unseeded-generator"
SET_ORDER: Final = "set-order"
LISTING: Final = "unsorted-listing"
DIGEST: Final = "unstable-digest"
SYNTAX: Final = "syntax-error"
UNREADABLE: Final = "unreadable-file"
BAD_WAIVER: Final = "malformed-waiver"
UNKNOWN_RULE: Final = "unknown-rule-in-waiver"
EXPIRED: Final = "expired-waiver"
UNUSED: Final = "unused-waiver"


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule; ``mend`` is the hint of each of its findings."""

    code: str
    name: str
    summary: str
    why: str
    mend: str
    waivable: bool = True


_RULES = (
    LintRule(
        "L101",
        HYPERPARAMETER,
        "a hyperparameter has its value in code",
        "A value in code is in no configuration: it is in no key, no history and no comparison, "
        "and a default that stands in two places is two values as soon as one is edited.",
        "write it in CONFIG/model_config and hand it to this code",
    ),
    LintRule(
        "L102",
        SEED,
        "a seed has its value in code",
        "Every seed of a run is derived from the one base seed. A seed in code is changed by no "
        "replicate, so that replicates agree more than they should.",
        "derive it from reproducibility.base_seed and hand it to this code",
    ),
    LintRule(
        "L103",
        THRESHOLD,
        "a safety threshold has its value in code",
        "A threshold decides whether a result is believed. In code it can be moved without a "
        "trace in the configuration or in the log.",
        "write it in CONFIG/training_config/safety_config.yaml and hand it to this code",
    ),
    LintRule(
        "L201",
        GLOBAL_RANDOM,
        "a draw from a process-wide generator",
        "Whatever else draws from it, in any library, moves every later draw: the result depends "
        "on the order of imports and calls.",
        "draw from a generator of your own: numpy.random.default_rng(seed), random.Random(seed)",
    ),
    LintRule(
        "L202",
        UNSEEDED,
        "a generator, splitter or sampler without a seed",
        "It takes its seed from the operating system: no two runs draw the same.",
        "give it a seed that comes from the configuration",
    ),
    LintRule(
        "L301",
        SET_ORDER,
        "an iteration over a set, in an order that changes",
        "The order of a set of strings is another in every process, unless the hash seed is "
        "fixed; that of other objects follows their addresses.",
        "iterate over sorted(…), or over a list or dict, which keep their order",
    ),
    LintRule(
        "L302",
        LISTING,
        "a directory listing, in whatever order the disk gives it",
        "The order differs between file systems, and after a copy.",
        "put sorted(…) directly around it; in a walk sort both lists, the folders in place",
    ),
    LintRule(
        "L401",
        DIGEST,
        "a clock, a random name or an address in what is hashed",
        "A digest is to say that two things are the same. One with a time, a UUID, id() or hash() "
        "in it is another each time.",
        "hash only what the thing itself is; write times and names beside the digest",
    ),
    LintRule(
        "L901",
        SYNTAX,
        "a file that is not Python",
        "Nothing in it could be looked at. Syntax is that of the interpreter which runs repro.",
        "mend it, or leave the file out with --exclude",
        waivable=False,
    ),
    LintRule(
        "L902",
        UNREADABLE,
        "a file that cannot be read",
        "Nothing in it could be looked at, so the whole ends with exit status 3.",
        "make it readable, or leave it out with --exclude",
        waivable=False,
    ),
    LintRule(
        "L911",
        BAD_WAIVER,
        "a waiver that cannot be understood",
        "A waiver without a reason or an end is kept for ever, by everybody, and explained by "
        "nobody. It waives nothing.",
        "write it as: # repro: allow RULE until YYYY-MM-DD: reason",
        waivable=False,
    ),
    LintRule(
        "L912",
        UNKNOWN_RULE,
        "a waiver for a rule that does not exist, or that cannot be waived",
        "It waives nothing.",
        "repro lint --rules lists the rules",
        waivable=False,
    ),
    LintRule(
        "L913",
        EXPIRED,
        "a waiver whose time is over",
        "What was to be mended by then is not. It waives nothing any more.",
        "mend the code, or decide again: a later date, with a reason for it",
        waivable=False,
    ),
    LintRule(
        "L914",
        UNUSED,
        "a waiver with nothing to waive",
        "It would let the next violation on its line pass.",
        "remove it",
        waivable=False,
    ),
)

RULES: Final[Mapping[str, LintRule]] = MappingProxyType({rule.name: rule for rule in _RULES})
"""Every rule by name, in order of code."""


def rule_called(word: str) -> LintRule | None:
    """Return the rule with this name or code, or None."""
    return RULES.get(word.lower()) or next((r for r in _RULES if r.code == word.upper()), None)
