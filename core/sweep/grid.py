"""The grid of an experiment: the product of its axes, and the run that stands at each of its points.

The order is fixed, slowest axis first: data, model, initialisation, optimiser; within a part, in the order of its
fields. So all runs of one problem are neighbours, and run `index` is reached by mixed-radix arithmetic, without the
runs before it.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Generic, TypeVar

from core.identity import canonical_json
from core.networks.network import Network
from core.spec.axes import Axis, axes_of, linked
from core.spec.experiment_spec import (
    Data,
    ExperimentSpec,
    Initialization,
    Model,
    Stopping,
)
from core.spec.optimizers import Optimizer, PlainOptimizer
from core.spec.run_spec import (
    PlainData,
    PlainInitialization,
    PlainModel,
    RunSpec,
    data_at,
    in_one_spelling,
    initialization_at,
    model_at,
    optimizer_at,
)
from core.spec.swept import Document
from core.sweep.grid_run import Run, network_of
from core.sweep.keys import common_members, problem_key, run_key

POINTS_KEPT: Final = 4096
"""Most points of a part that are kept: a grid has far more runs than different data, models, starts or optimisers."""

Plain = TypeVar("Plain", bound=Document)
Part = TypeVar("Part", bound=Document)


@dataclass(frozen=True, kw_only=True)
class Point(Generic[Plain]):
    """One part of a run's spec, in plain numbers, and its canonical JSON."""

    part: Plain
    canonical: bytes

    @cached_property
    def key(self) -> str:
        """The identity of the part."""
        return hashlib.sha256(self.canonical).hexdigest()


class PartGrid(Generic[Part, Plain]):
    """The points of one part of a spec, the product of its own axes in the order of its fields."""

    def __init__(self, name: str, part: Part, at: Callable[[Part, Mapping[str, float]], Plain]) -> None:
        self._part, self._at = part, at
        self.axes = tuple(axes_of(name, part))
        self.size = math.prod(len(axis.values) for axis in self.axes)
        self.point = lru_cache(POINTS_KEPT)(self._point)

    def _point(self, number: int) -> Point[Plain]:
        values = {axis.field: axis.values[position] for axis, position in _positions(self.axes, number)}
        plain = self._at(self._part, values)
        return Point(part=plain, canonical=canonical_json(plain.model_dump(mode="json")))

    def number(self, positions: Mapping[str, int]) -> int:
        """The number of the point at these positions on its axes, by their names."""
        number = 0
        for axis in self.axes:
            number = number * len(axis.values) + positions[axis.name]
        return number


@dataclass(frozen=True, kw_only=True, slots=True)
class GridProblem:
    """A data set with a network: all that is known before training is known of the two together.

    `data_key` is the identity of the data set, `coordinates` are the values on the axes that make problems differ.
    """

    number: int
    data: PlainData
    data_key: str
    network: Network
    coordinates: Mapping[str, float]

    @property
    def key(self) -> str:
        """Its identity."""
        return problem_key(self.data_key, self.network)


@dataclass(frozen=True)
class Grid:
    """All runs of one experiment spec."""

    spec: ExperimentSpec

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The swept numbers, slowest first; those that are linked are one axis."""
        axes = (*self._data.axes, *self._model.axes, *self._initialization.axes, *self._optimizer.axes)
        return linked(axes, self.spec.zip)

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
        return tuple(axis for axis in self.axes if any(each.makes_problems for each in axis.members))

    @property
    def problems(self) -> int:
        """How many different problems, data sets with a network, the grid has."""
        return math.prod(len(axis.values) for axis in self.problem_axes)

    @property
    def runs_per_problem(self) -> int:
        """Runs on each problem; those of problem k have the indices k·runs_per_problem and following."""
        return len(self) // self.problems

    def problem(self, number: int) -> GridProblem:
        """The problem of this number.

        Raises:
            IndexError: there is no such problem.
        """
        first = number * self.runs_per_problem
        self._require(first)
        data_number, model_number, _, _ = self._points(first)
        data = self._data.point(data_number)
        return GridProblem(
            number=number,
            data=data.part,
            data_key=data.key,
            network=network_of(self._model.point(model_number).part),
            coordinates={
                each.name: each.values[position]
                for axis, position in _positions(self.problem_axes, number)
                for each in axis.members
                if each.makes_problems
            },
        )

    def each_problem(self) -> Iterator[GridProblem]:
        """Every problem, in order."""
        return (self.problem(number) for number in range(self.problems))

    def problem_of(self, index: int) -> GridProblem:
        """The problem that run `index` is trained on.

        Raises:
            IndexError: there is no such run.
        """
        self._require(index)
        return self.problem(index // self.runs_per_problem)

    def coordinates(self, index: int) -> dict[str, float]:
        """The value of every swept number at run `index`: axis by axis, each with those that are linked to it.

        Raises:
            IndexError: there is no such run.
        """
        self._require(index)
        return {
            each.name: each.values[position] for axis, position in _positions(self.axes, index) for each in axis.members
        }

    def run(self, index: int) -> Run:
        """The run at `index`.

        Raises:
            IndexError: there is no such run.
        """
        self._require(index)
        numbers = self._points(index)
        data, model = self._data.point(numbers[0]), self._model.point(numbers[1])
        initialization, optimizer = self._initialization.point(numbers[2]), self._optimizer.point(numbers[3])
        key = run_key(
            self._common_members,
            data_key=data.key,
            model=model.canonical,
            initialization=initialization.canonical,
            optimizer=optimizer.canonical,
        )
        spec = RunSpec(
            data=data.part,
            model=model.part,
            initialization=initialization.part,
            optimizer=optimizer.part,
            stopping=self._stopping,
            recording=self.spec.recording,
        )
        return Run(index=index, key=key, data_key=data.key, spec=spec)

    def runs(self) -> Iterator[Run]:
        """Every run, in order."""
        return (self.run(index) for index in range(len(self)))

    def _points(self, index: int) -> tuple[int, int, int, int]:
        """The numbers of the points of data, model, initialisation and optimiser at run `index`."""
        if not self.spec.zip:
            rest, optimizer = divmod(index, self._optimizer.size)
            rest, initialization = divmod(rest, self._initialization.size)
            data, model = divmod(rest, self._model.size)
            return data, model, initialization, optimizer
        places = {each.name: position for axis, position in _positions(self.axes, index) for each in axis.members}
        return (
            self._data.number(places),
            self._model.number(places),
            self._initialization.number(places),
            self._optimizer.number(places),
        )

    def _require(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise IndexError(f"run {index} of {len(self)}")

    @cached_property
    def _data(self) -> PartGrid[Data, PlainData]:
        return PartGrid("data", self.spec.data, data_at)

    @cached_property
    def _model(self) -> PartGrid[Model, PlainModel]:
        return PartGrid("model", self.spec.model, model_at)

    @cached_property
    def _initialization(self) -> PartGrid[Initialization, PlainInitialization]:
        return PartGrid("initialization", self.spec.initialization, initialization_at)

    @cached_property
    def _optimizer(self) -> PartGrid[Optimizer, PlainOptimizer]:
        return PartGrid("optimizer", self.spec.optimizer, optimizer_at)

    @cached_property
    def _stopping(self) -> Stopping:
        return in_one_spelling(self.spec.stopping)

    @cached_property
    def _common_members(self) -> dict[str, bytes]:
        return common_members(self._stopping, self.spec.recording)


def _positions(axes: Sequence[Axis], number: int) -> Iterator[tuple[Axis, int]]:
    """Where on each of these axes the point of this number is, the last axis being the fastest."""
    remaining = math.prod(len(axis.values) for axis in axes)
    for axis in axes:
        remaining //= len(axis.values)
        yield axis, number // remaining % len(axis.values)
