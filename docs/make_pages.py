"""Write the pages that are made of the code as a whole; `--check` only says whether they are up to date.

Commands from what Click knows of them, the client from its signatures and docstrings, fields of a spec from its JSON
Schema, and the list of decisions from their first lines.
"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

import stepbias
from api.contract.json_schema import spec_schema
from core.results.variables import COORDINATES
from core.spec.axes import AXIS_NAMES
from stepbias.cli.main import app

DOCS: Final = Path(__file__).parent
MADE: Final = "<!-- made by docs/make_pages.py: run make docs -->"


def plain(text: str) -> str:
    """Words of the code in which Markdown sees no marks, outside of backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*<\[\]])", r"\\\1", part) for part in parts)


def row(*cells: str) -> str:
    """A row of a table."""
    escaped = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


# Commands


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that it is called by, groups after their own commands."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


def option(parameter: click.Parameter, context: click.Context) -> str:
    """The row of an argument or an option."""
    if isinstance(parameter, click.Option):
        names, words = parameter.get_help_record(context) or ("", "")
        return row(f"`{names}`", plain(words))
    given = "as many as there are" if parameter.nargs < 0 else "may be left out" if not parameter.required else ""
    return row(f"`{parameter.make_metavar(context)}`", given)


def command_section(words: tuple[str, ...], command: click.Command) -> str:
    """A command: how it is called, what it does, what may be told to it."""
    context = click.Context(command, info_name=" ".join(words))
    usage = " ".join(["stepbias", *words, *command.collect_usage_pieces(context)])
    rows = [option(each, context) for each in command.params if not getattr(each, "hidden", False)]
    table = ["| argument or option | meaning |", "|---|---|", *rows] if rows else []
    return "\n".join(
        [f"## {' '.join(words)}", "", f"`{usage}`", "", plain(inspect.cleandoc(command.help or "")), "", *table]
    )


def command_page() -> str:
    """Every command."""
    sections = [command_section(words, command) for words, command in commands(app)]
    about = (
        "Every command with its arguments and options, as `stepbias COMMAND --help` prints them. [From the shell]"
        "(../how-to/shell.md) has their common ground: which service is asked, `--json`, conditions, exit codes."
    )
    return "\n\n".join(["# Commands", MADE, about, *sections])


# The client


def documented(text: str | None) -> str:
    """A docstring as Markdown: its sections are lists."""
    lines, inside = [], False
    for line in inspect.cleandoc(text or "").splitlines():
        if found := re.fullmatch(r"(Attributes|Raises|Returns|Yields|Args):", line):
            inside = True
            lines += [f"*{found[1]}*", ""]
        elif inside and (entry := re.fullmatch(r" {4}(\w[\w, .]*): (.*)", line)):
            lines.append(f"* `{entry[1]}`: {plain(entry[2])}")
        else:
            lines.append(line if line.startswith("    ") and not inside else plain(line.replace("    ", "  ", 1)))
    return "\n".join(lines)


def signature(name: str, thing: Any) -> str:
    """How something is called, without the modules of its types."""
    said = str(inspect.signature(thing)).replace("(self, ", "(").replace("(self)", "()")
    return f"`{name}{re.sub(r'[a-zA-Z_]+[.](?=[a-zA-Z_.]*[a-zA-Z])', '', said)}`"


def members(kind: type) -> Iterator[str]:
    """Every public method and property of a class that no public class above it has already."""
    known = {name for base in kind.__mro__[1:] if base.__name__ in stepbias.__all__ for name in dir(base)}
    for name, member in inspect.getmembers(kind):
        function = member.fget if isinstance(member, property) else member
        is_ours = str(getattr(function, "__module__", "")).startswith("stepbias")
        if is_ours and name not in known and not name.startswith("_"):
            head = f"`{name}`" if isinstance(member, property) else signature(name, function)
            yield f"#### {kind.__name__}.{name}\n\n{head}\n\n{documented(function.__doc__)}"


def public_section(name: str) -> str:
    """One public name."""
    thing = getattr(stepbias, name)
    if not inspect.isclass(thing):
        return f"### {name}\n\n{signature(name, thing)}\n\n{documented(thing.__doc__)}"
    is_made_by_hand = name in {"Client", "AsyncClient"}
    head = [signature(name, thing)] if is_made_by_hand else []
    inner = () if name.startswith("Async") else members(thing)
    return "\n\n".join([f"### {name}", *head, documented(thing.__doc__), *inner])


def client_page() -> str:
    """Every public name of the package, functions first."""
    parts: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in sorted(stepbias.__all__, key=str.lower):
        thing = getattr(stepbias, name)
        is_error = inspect.isclass(thing) and issubclass(thing, Exception)
        parts["Errors" if is_error else "Classes" if inspect.isclass(thing) else "Functions"].append(name)
    about = (
        "Every name of `import stepbias as sb`, from its signature and docstring. [From Python](../how-to/python.md) "
        "shows them at work. What is asynchronous has the names and parameters of what is not, to be awaited."
    )
    sections = [f"## {title}\n\n" + "\n\n".join(map(public_section, those)) for title, those in parts.items()]
    return "\n\n".join(["# The client", MADE, about, *sections])


# The spec

PARTS: Final = ("data", "model", "initialization", "optimizer", "stopping", "recording")

_LIMITS: Final = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}
_TYPES: Final = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`", "null": "`null`"}

MEANINGS: Final = {
    "kind": "Which of the kinds of this part it is.",
    "schema_version": "Of the form of the document.",
    "name": "In lists and in the titles of figures.",
    "tags": "To find it by; at most 20, of 80 characters each.",
    "features": "The law of the features.",
    "mean_profile": "m: the mean of feature i is μ·m_i; 1 where it is not given.",
    "variance_profile": "The variance of feature i is σ² times this; 1 where it is not given.",
    "support": "Where the entries of β* are.",
    "signs": "The signs of the entries of β*.",
    "X": "A row for each sample.",
    "y": "A target for each sample.",
    "true_predictor": "β*, where it is known.",
    "held_out_X": "Samples that nothing is trained on, whose loss is the test loss.",
    "held_out_y": "Their targets.",
    "transform": "What is done to the data first.",
    "id": "What the upload was answered with.",
    "independent": "Whether u₋ has a draw of its own.",
    "vector": "The shape of the start, signs kept.",
    "ascent": "Along which gradients SAM ascends: that of the mean loss, or of each sample its own.",
    "normalized": "Whether an ascent has the length ρ, or is ρ times the gradient.",
    "points": "Steps that are recorded, at most.",
    "sensitivity": "Which runs have a twin.",
    "at_steps": "The steps that are recorded, in place of points and spacing.",
    "vectors": "What is recorded of every coordinate.",
    "support_threshold": "The |β_i| above which a coordinate counts as of the support.",
    "loss_tolerance": "Where a run has converged, relative to ½Ê[y²].",
    "completion_tolerance": "The error of β that a completed limit may have, relative to ‖β‖₁.",
    "max_steps": "Steps after which a run is given up.",
    "finish": "Whether runs may be completed.",
    "perturb": "Whether a run is pushed off an interpolator that is unstable.",
    "release": "What leads a run away from such a point while its step size grows.",
    "steps": "Exactly so many steps, and none of the above.",
    "offset": "What is added to every entry.",
    "sampling": "How the samples of a step are chosen.",
    "indices": "The samples of each step, by their places from 0 on.",
    "fractions_of_max_stable": "Multiples of η*.",
    "multiples_of": "What they are multiples of.",
    "values": "The multiples.",
    "effective_step_sizes": "The λ = η/(1−m)².",
    "schedule": "What becomes of η behind the warm-up.",
    "schedule_at_steps": "After how many steps η changes.",
    "schedule_at_fractions": "The same, as parts of all steps that are allowed.",
    "schedule_factors": "What η is multiplied by from each place on, or in turn.",
    "decoupled_weight_decay": "Whether θ is multiplied by 1 − η_tλ beside the step: not in the gradient.",
    "zip": "Groups of axes, by their names in results, that are swept together.",
    "largest_convergent": "Where it is looked for.",
    "lower": "As a multiple of η*.",
    "upper": "As a multiple of η*.",
    "resolution": "When the search ends.",
    "start": "The first value.",
    "stop": "The last value.",
    "num": "How many there are.",
    "spacing": "Equal differences, or equal ratios.",
}
"""Of the fields that cannot be swept; the others are described by their axis."""


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return (
        definitions[name] | {"default": schema["default"]}
        if name and "default" in schema
        else definitions.get(name, schema)
    )


def values(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a field takes, in a few words; what may be swept says so."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = resolved(schema, definitions)
    if options := schema.get("oneOf") or schema.get("anyOf"):
        told = [values(each, definitions) for each in options]
        swept = [each.get("$ref", "").endswith(("Values", "Range")) for each in options]
        others = [text for text, is_axis in zip(told, swept, strict=True) if not is_axis]
        if any(swept) and not any("](#" in text for text in others):
            return ", or ".join([others[0], "swept", *others[1:]])
        return " or ".join(dict.fromkeys(told))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{json.dumps(each)}`" for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "object":
        return f"[{name}](#{name.lower()})"
    limits = [sign.format(schema[key]) for key, sign in _LIMITS.items() if key in schema]
    kind = _TYPES.get(schema["type"], schema["type"])
    if "items" in schema:
        kind = f"list of: {values(schema['items'], definitions)}"
    return ", ".join([" ".join([kind, *limits[:1]]), *limits[1:]])


def meaning(part: str, field: str) -> str:
    """What a field that can be swept is, as the axis that it becomes."""
    axis = COORDINATES.get(AXIS_NAMES.get((part, field), field))
    if axis is None or part == "":
        return MEANINGS[field]
    return f"{axis.symbol + ': ' if axis.symbol else ''}{axis.description}"


def fields(part: str, kind: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """The table of the fields of a kind."""
    yield from ("| field | takes | if it is left out | meaning |", "|---|---|---|---|")
    for field, schema in kind["properties"].items():
        wanted = "it must be given" if field in kind.get("required", ()) else ""
        usual = resolved(schema, definitions).get("default", schema.get("default", ""))
        shown = wanted or ("" if usual == "" else f"`{json.dumps(usual, ensure_ascii=False)}`")
        yield row(f"`{field}`", values(schema, definitions), shown, plain(meaning(part, field)))


def kinds(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The documents that a part of a spec may be, by name."""
    names = [each["$ref"].rpartition("/")[2] for each in schema.get("oneOf", [schema])]
    return [(name, definitions[name]) for name in names]


def spec_page() -> str:
    """Every field of a spec."""
    schema = spec_schema()
    definitions, places = schema["$defs"], schema["properties"]
    top = fields("", {"properties": {key: each for key, each in places.items() if key not in PARTS}}, definitions)
    sections = ["## The whole\n\n" + "\n".join(top)]
    for part in PARTS:
        sections.append(f"## {part}")
        for name, kind in kinds(places[part], definitions):
            title = f"`{kind['properties']['kind']['const']}`" if "kind" in kind["properties"] else name
            told = plain(kind.get("description", ""))
            sections.append("\n".join([f"### {title}", "", told, "", *fields(part, kind, definitions)]))
    others = (
        "Transform",
        "FractionsOfMaxStable",
        "MultiplesOf",
        "EffectiveStepSizes",
        "LargestConvergent",
        "StepBracket",
        "PositiveRange",
    )
    sections.append("## Inside these\n\n`PositiveRange` stands for all ranges: they differ in what their ends may be.")
    for name in others:
        kind = definitions[name]
        sections.append(
            "\n".join([f"### {name}", "", plain(kind.get("description", "")), "", *fields("", kind, definitions)])
        )
    about = (
        "Every field of the one document that a user writes, from its JSON Schema (`schema/experiment-1.json`). *Or "
        'swept* means: `{"values": [...]}` or `{"start": ..., "stop": ..., "num": ..., "spacing": "log"}` may stand '
        "in its place. [What is trained](../reference.md#what-is-trained) says in words what the kinds are."
    )
    return "\n\n".join(["# Every field of a spec", MADE, about, *sections])


# Decisions


def decisions_page() -> str:
    """The decisions with their titles and states."""
    rows = []
    for file in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        text = file.read_text(encoding="utf-8")
        title = re.match(r"# (\d+)\. (.+)", text)
        status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
        if title is None or status is None:
            raise SystemExit(f"{file.name} does not begin with its number and title, or has no status")
        rows.append(row(title[1], f"[{title[2]}]({file.name})", status[1]))
    about = (
        "Each says what was to be decided, what was decided, what was rejected and why, and what follows. A new one "
        "takes the next number; one that is overturned stays, and says by which."
    )
    return "\n\n".join(["# Decisions", MADE, about, "\n".join(["| | decision | status |", "|---|---|---|", *rows])])


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/commands.md": command_page,
    "reference/client.md": client_page,
    "reference/spec.md": spec_page,
    "decisions/README.md": decisions_page,
}


def outdated(pages: Mapping[str, Callable[[], str]]) -> Iterable[tuple[Path, str]]:
    """Pages that are not what they should be, and what that is."""
    for name, make in pages.items():
        place, fresh = DOCS / name, re.sub(r"[ \t]+$", "", make(), flags=re.MULTILINE) + "\n"
        if not place.exists() or place.read_text(encoding="utf-8") != fresh:
            yield place, fresh


def main() -> None:
    """Write the pages anew, or complain that they are not up to date."""
    for place, fresh in outdated(PAGES):
        if "--check" in sys.argv[1:]:
            raise SystemExit(f"{place} is not up to date: run make docs")
        place.parent.mkdir(exist_ok=True)
        place.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
