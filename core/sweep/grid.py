"""The grid of an experiment: the product of its axes, and the run that stands at each of its points.

The order is fixed, slowest axis first: data, model, initialisation, optimiser; within a part, in the order of its
fields. So all runs of one problem are neighbours, and run `index` is reached by mixed-radix arithmetic, without the
runs before it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from core.descent.optimizers import Optimizer, optimizer_of
from core.identity import NUMERICS_VERSION, content_hash
from core.networks.network import Network, network_of
from core.spec.experiment_spec import ExperimentSpec, FractionsOfMaxStable
from core.spec.swept import axis_values

AXIS_NAMES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("data", "mean"): "data_mean",
        ("data", "variance"): "data_variance",
        ("model", "shape"): "uv_shape",
        ("initialization", "scale"): "init_scale",
        ("initialization", "seed"): "init_seed",
        ("optimizer", "noise_variance"): "label_noise_variance",
        ("optimizer", "seed"): "optimizer_seed",
    }
)
"""Where a field's name in results differs from its name in the spec."""

STEP_SIZE_FRACTION: Final = "step_size_fraction"


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One swept number: its name in results, the part and field of the spec it comes from, and its values."""

    name: str
    part: str
    field: str
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One point of the grid: plain numbers only.

    `document` is the run's own spec, `key` its identity, `data_key` that of its data set. Either `step_size` is given
    or `step_size_fraction`, the multiple of the problem's largest stable step that it stands for, or the `step_bracket`
    in which the largest convergent step is looked for.
    """

    index: int
    key: str
    data_key: str
    document: Mapping[str, Any]

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return network_of(self.document["model"])

    @property
    def problem_key(self) -> str:
        """The identity of the run's problem, its data set with its network: all that is known before training."""
        return f"{self.data_key}:{self.network.key}"

    @property
    def init_scale(self) -> float:
        """α."""
        return float(self.document["initialization"]["scale"])

    @property
    def step_size(self) -> float | None:
        """η, or None where it is given as a fraction or searched for."""
        value = self.document["optimizer"]["step_size"]
        return None if isinstance(value, dict) else float(value)

    @property
    def step_size_fraction(self) -> float | None:
        """η as a multiple of the largest stable step, or None where it is not given as one."""
        fraction: float | None = self._symbolic_step_size("fraction_of_max_stable")
        return fraction

    @property
    def step_bracket(self) -> Mapping[str, float] | None:
        """`lower`, `upper` and `resolution` of the search for the largest convergent step, None where η is given."""
        bracket: Mapping[str, float] | None = self._symbolic_step_size("largest_convergent")
        return bracket

    @property
    def warmup_steps(self) -> int:
        """W."""
        return int(self.document["optimizer"]["warmup_steps"])

    @property
    def seed(self) -> int:
        """The seed of the run's own random streams; neither what is recorded nor where it stops changes it."""
        parts = {part: self.document[part] for part in ("model", "initialization", "optimizer")}
        return int(content_hash(parts | {"data": self.data_key})[:16], 16)

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser that trains it."""
        return optimizer_of(self.document["optimizer"])

    def largest_stable_step(self, max_stable_step: float) -> float:
        """The η* of this run's optimiser, (2 + 2m)/min λ_max with momentum m, from that of gradient descent."""
        return max_stable_step * self.optimizer.stability_limit / 2

    def resolved_step_size(self, max_stable_step: float) -> float:
        """η in numbers, for a problem whose largest stable step of gradient descent is `max_stable_step`.

        Where the largest convergent step is looked for, the largest stable one, of which its bracket has multiples.
        """
        if self.step_size is not None:
            return self.step_size
        fraction = 1.0 if self.step_size_fraction is None else self.step_size_fraction
        return fraction * self.largest_stable_step(max_stable_step)

    def _symbolic_step_size(self, form: str) -> Any:
        """What stands for η in this form, None where η is given or in another form."""
        value = self.document["optimizer"]["step_size"]
        return value.get(form) if isinstance(value, dict) else None


@dataclass(frozen=True)
class Grid:
    """All runs of one experiment spec."""

    spec: ExperimentSpec

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The swept numbers, slowest first."""
        return tuple(self._find_axes())

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        """The number of runs; 1 where nothing is swept."""
        return math.prod(self.shape)

    @property
    def problem_axes(self) -> tuple[Axis, ...]:
        """The axes that make problems differ: those of the data, and the depth. They are the slowest ones."""
        return tuple(axis for axis in self.axes if axis.part == "data" or axis.field == "depth")

    @property
    def problems(self) -> int:
        """How many different problems, data sets with a network, the grid has."""
        return math.prod(len(axis.values) for axis in self.problem_axes)

    @property
    def runs_per_problem(self) -> int:
        """Runs on each problem; those of problem k have the indices k·runs_per_problem and following."""
        return len(self) // self.problems

    def coordinates(self, index: int) -> dict[str, float]:
        """The value of every axis at run `index`.

        Raises:
            IndexError: there is no such run.
        """
        return {axis.name: axis.values[position] for axis, position in self._positions(index)}

    def run(self, index: int) -> Run:
        """The run at `index`.

        Raises:
            IndexError: there is no such run.
        """
        document: dict[str, Any] = {part: dict(fields) for part, fields in self._science.items()}
        for axis, position in self._positions(index):
            value = axis.values[position]
            document[axis.part][axis.field] = (
                {"fraction_of_max_stable": value} if axis.name == STEP_SIZE_FRACTION else value
            )
        data_key = self._data_key(index) if self._data_is_swept else self._only_data_key
        # The data enter by their hash: user data may be megabytes, and a grid has thousands of runs on them.
        identity = document | {"data": data_key, "numerics": NUMERICS_VERSION}
        return Run(index=index, key=content_hash(identity), data_key=data_key, document=document)

    def runs(self) -> Iterator[Run]:
        """Every run, in order."""
        return (self.run(index) for index in range(len(self)))

    @cached_property
    def _science(self) -> dict[str, dict[str, Any]]:
        return self.spec.science()

    @cached_property
    def _data_is_swept(self) -> bool:
        return any(axis.part == "data" for axis in self.axes)

    @cached_property
    def _only_data_key(self) -> str:
        return content_hash(self._science["data"])

    def _data_key(self, index: int) -> str:
        document = dict(self._science["data"])
        for axis, position in self._positions(index):
            if axis.part == "data":
                document[axis.field] = axis.values[position]
        return content_hash(document)

    def _positions(self, index: int) -> Iterator[tuple[Axis, int]]:
        if not 0 <= index < len(self):
            raise IndexError(f"run {index} of {len(self)}")
        remaining = len(self)
        for axis in self.axes:
            remaining //= len(axis.values)
            yield axis, index // remaining % len(axis.values)

    def _find_axes(self) -> Iterator[Axis]:
        for part in ("data", "model", "initialization", "optimizer"):
            section = getattr(self.spec, part)
            for field in type(section).model_fields:
                value = getattr(section, field)
                if isinstance(value, FractionsOfMaxStable):
                    yield Axis(name=STEP_SIZE_FRACTION, part=part, field=field, values=tuple(value.fractions()))
                elif (values := axis_values(value)) is not None:
                    yield Axis(name=AXIS_NAMES.get((part, field), field), part=part, field=field, values=tuple(values))
