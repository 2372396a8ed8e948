"""The rules that validation speaks of, for reports that list them."""

from __future__ import annotations

from typing import Final

from repro.report.sarif import Rule

_SCHEMA = "A document's schema says what each value may be: repro config schema KIND prints it."

RULES: Final = (
    Rule("additionalProperties", "Nothing reads this key.", "Remove it, or mend its name."),
    Rule("alias", "One parameter is set under two of its names.", "Keep one of the two."),
    Rule("anyOf", "The value fits none of the alternatives.", _SCHEMA),
    Rule("character", "A character cannot be read by people.", "Write it as an escape, in quotes."),
    Rule("const", "The value is not the only one allowed.", _SCHEMA),
    Rule(
        "cross-check",
        "Two documents, or two values of one, contradict each other.",
        "Change one of the two values that the message names.",
    ),
    Rule("dependentRequired", "A key needs another beside it.", _SCHEMA),
    Rule(
        "document",
        "A document is missing, or nothing reads a file.",
        "repro init --add-missing adds what is missing; a file is read by its place and name.",
    ),
    Rule("duplicate", "A key is given twice.", "Keep one of the two."),
    Rule("encoding", "The file is not UTF-8 text.", "Save the file as UTF-8."),
    Rule("enum", "The value is not one of those allowed.", _SCHEMA),
    Rule("exclusiveMaximum", "The number is too great.", _SCHEMA),
    Rule("exclusiveMinimum", "The number is too small.", _SCHEMA),
    Rule("false", "The key is not allowed here.", "Remove it."),
    Rule("family", "No trainer offers the family.", "Install its distribution, or name another."),
    Rule("key", "The key is not one that a document may have.", "Write it as plain text."),
    Rule(
        "idle",
        "An override gives a value that the run does not use.",
        "Leave it out, or choose the family or target that uses it.",
    ),
    Rule(
        "kind",
        "It is not known which kind of document this is.",
        "Give --kind, name the file after its kind, or write its yaml-language-server line.",
    ),
    Rule("maxItems", "The list is too long.", _SCHEMA),
    Rule("maxLength", "The text is too long.", _SCHEMA),
    Rule("maximum", "The number is above the maximum.", _SCHEMA),
    Rule("merge", "What is merged is no mapping.", "Merge a mapping, or a list of mappings."),
    Rule("minItems", "The list is too short.", _SCHEMA),
    Rule("minLength", "The text is too short.", _SCHEMA),
    Rule("minProperties", "The mapping has too few keys.", _SCHEMA),
    Rule("minimum", "The number is below the minimum.", _SCHEMA),
    Rule("multipleOf", "The number is no multiple of the step.", _SCHEMA),
    Rule("not", "The value is excluded.", _SCHEMA),
    Rule("oneOf", "The value fits none, or several, of the alternatives.", _SCHEMA),
    Rule("pattern", "The text does not have the form that is asked for.", _SCHEMA),
    Rule("propertyNames", "The key does not have the form that is asked for.", _SCHEMA),
    Rule(
        "required",
        "A value is missing.",
        "Write it: a library's own default that nobody wrote down would decide.",
    ),
    Rule("set", "An override cannot be understood.", "Overrides are written key=value."),
    Rule("syntax", "The file is not YAML.", "Mend it where the message points."),
    Rule("tag", "The tag or number cannot be kept as it is.", "Write a plain value."),
    Rule("target", "The target does not exist.", "Name one of CONFIG/data/targets.yaml."),
    Rule("type", "The value is of another type.", _SCHEMA),
    Rule("unevaluatedProperties", "Nothing reads this key.", "Remove it, or mend its name."),
    Rule("uniqueItems", "An item is given twice.", "Keep one of the two."),
    Rule(
        "unreadable",
        "The file cannot be read.",
        "Make it a regular file that this user may read; what depends on it was not checked.",
    ),
)
