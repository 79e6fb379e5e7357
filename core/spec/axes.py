"""The axes of a spec: its swept numbers, by their names in results, and which of them are swept together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from core.spec.optimizers import RelativeStepSizes
from core.spec.swept import Document, axis_values

AXIS_NAMES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("data", "mean"): "data_mean",
        ("data", "variance"): "data_variance",
        ("model", "shape"): "uv_shape",
        ("initialization", "scale"): "init_scale",
        ("initialization", "seed"): "init_seed",
        ("optimizer", "noise_variance"): "label_noise_variance",
        ("optimizer", "variance"): "parameter_noise_variance",
        ("optimizer", "seed"): "optimizer_seed",
    }
)
"""Where a field's name in results differs from its name in the spec."""


def axis_name(part: str, field: str) -> str:
    """The name in results of a field of a part of the spec."""
    return AXIS_NAMES.get((part, field), field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One swept number: its name in results, the part and field of the spec it comes from, and its values.

    `linked` are those that are swept with it, position by position.
    """

    name: str
    part: str
    field: str
    values: tuple[float, ...]
    linked: tuple["Axis", ...] = ()

    @property
    def members(self) -> tuple["Axis", ...]:
        """All numbers that change along the axis, the one that it has its name of first."""
        return (self, *self.linked)

    @property
    def makes_problems(self) -> bool:
        """Whether problems, data sets with a network, differ along it."""
        return self.part == "data" or self.field == "depth"


def axes_of(name: str, part: Document) -> Iterator[Axis]:
    """The swept numbers of a part, in the order of its fields."""
    return (axis for field, _ in part if (axis := axis_of(name, part, field)) is not None)


def axis_of(name: str, part: Document, field: str) -> Axis | None:
    """That of one field of a part; None where it is not swept."""
    value = getattr(part, field)
    if isinstance(value, RelativeStepSizes):
        return Axis(name=value.axis, part=name, field=field, values=tuple(value.numbers()))
    values = axis_values(value)
    return None if values is None else Axis(name=axis_name(name, field), part=name, field=field, values=tuple(values))


def linked(axes: Sequence[Axis], groups: Sequence[Sequence[str]]) -> tuple[Axis, ...]:
    """The axes with those of each group as one: with the name of its first, at the place of its slowest.

    Raises:
        ValueError: a name is no axis or stands twice, the lengths of a group differ, or it has what makes problems
            differ together with what does not; a seed may go with both.
    """
    by_name = {axis.name: axis for axis in axes}
    names = [name for group in groups for name in group]
    for name in names:
        if name not in by_name:
            raise ValueError(f"zip has {name}, and nothing of that name is swept: {', '.join(by_name) or 'nothing is'}")
        if names.count(name) > 1:
            raise ValueError(f"zip has {name} twice")
    group_of = {name: tuple(by_name[each] for each in group) for group in groups for name in group}
    for members in group_of.values():
        _require_alike(members)
    found: dict[str, Axis] = {}
    for axis in axes:
        first, *others = group_of.get(axis.name, (axis,))
        found.setdefault(first.name, replace(first, linked=tuple(others)))
    return tuple(found.values())


def _require_alike(members: Sequence[Axis]) -> None:
    names = " and ".join(axis.name for axis in members)
    lengths = [len(axis.values) for axis in members]
    if len(set(lengths)) > 1:
        raise ValueError(f"zip needs axes of one length: {names} have {', '.join(map(str, lengths))} values")
    sides = {axis.makes_problems for axis in members if axis.makes_problems or axis.field != "seed"}
    if len(sides) > 1:
        raise ValueError(f"zip of {names}: what makes data sets or depths differ can be linked with seeds alone")
