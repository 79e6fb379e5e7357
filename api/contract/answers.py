"""Documents that are made as they are sent, described as models: for the OpenAPI document alone."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, WithJsonSchema

from core.report.verdict import Scope, Status
from core.results.variables import VARIABLES, Kind
from jobs.states import ExperimentStatus

Scalar = float | str | None
Coordinates = Annotated[Mapping[str, Scalar], Field(description="Its values on the axes of the grid, by name.")]
Gaps = Annotated[Sequence[float | None], Field(description="Null is a gap.")]
Counts = Annotated[Sequence[int], Field(description="Of runs, for each value of x.")]

_TYPES: Final = {Kind.FLOAT: "number", Kind.INT: "integer", Kind.TEXT: "string"}
_SUMMARY: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Summary",
    "properties": {
        name: {"type": [_TYPES[known.kind], "null"], "description": known.description}
        for name, known in VARIABLES.items()
    },
}
Summary = Annotated[Mapping[str, Scalar], WithJsonSchema(_SUMMARY)]


class VersionDocument(BaseModel):
    """Versions: of the service, of its specs, and of its numbers; equal numerics give equal results."""

    version: str
    schema_version: str
    numerics_version: str


class RunDocument(BaseModel):
    """One run of the grid."""

    index: int
    coordinates: Coordinates
    summary: Summary | None = Field(description="Null until it is stored.")
    explanation: str | None = Field(description="Why it ended as it did, and what can be done; text for people.")


class RunPage(BaseModel):
    """Some runs in the order of the grid; the next page is at `next_cursor`, and in the Link header."""

    runs: Sequence[RunDocument]
    next_cursor: str | None


class LabelledArray(BaseModel):
    """One array: the names of its dimensions, what it means, and its entries as nested lists."""

    dims: Sequence[str]
    attrs: Mapping[str, Any]
    data: Any = Field(description="Null is what is not there, or not finite.")


class LabelledArrays(BaseModel):
    """Arrays with their meanings, as `xarray.Dataset.from_dict` reads them."""

    attrs: Mapping[str, Any]
    dims: Mapping[str, int]
    coords: Mapping[str, LabelledArray]
    data_vars: Mapping[str, LabelledArray]


class QuantityDocument(BaseModel):
    """A quantity as an axis shows it."""

    name: str
    symbol: str
    label: str
    log_scaled: bool


class AxisDocument(QuantityDocument):
    """An axis of the grid."""

    values: Sequence[Scalar]


class RunColumnsPage(BaseModel):
    """Some results of runs, column by column; the next page is at `next_cursor`, and in the Link header."""

    first: int = Field(description="The index of the run that the columns begin with.")
    axes: Sequence[AxisDocument] = Field(description="Of the grid, slowest first: the last one is the fastest.")
    columns: Mapping[str, Sequence[Scalar]] = Field(description="Null is a run that is not stored, or has no value.")
    next_cursor: str | None


class CurveCounts(BaseModel):
    """How many runs entered the curves, and how many stayed out, and why."""

    runs: int
    not_converged: int
    without_value: int
    missing: int
    decided_by_rounding: int


class CurveDocument(BaseModel):
    """One curve: the median and the quartiles at each value of x, and how many runs they are of."""

    series: Scalar
    median: Gaps
    lower_quartile: Gaps
    upper_quartile: Gaps
    runs: Counts
    not_converged: Counts
    without_value: Counts
    missing: Counts
    decided_by_rounding: Counts


class BaselineDocument(BaseModel):
    """What a reference interpolator has of the quantity: a line that does not depend on x."""

    name: str
    label: str
    series: Scalar
    value: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    problems: int


class CurvesDocument(BaseModel):
    """Curves of one quantity against one axis."""

    x: AxisDocument
    y: QuantityDocument
    series: QuantityDocument | None
    over: str | None
    where: Mapping[str, float]
    counts: CurveCounts
    curves: Sequence[CurveDocument]
    baselines: Sequence[BaselineDocument]
    flow_limits: Sequence[CurveDocument]
    kernel_limits: Sequence[CurveDocument]


class ProblemDocument(BaseModel):
    """A data set with a network, and what is known of it before training."""

    index: int
    data_key: str
    network: str
    coordinates: Coordinates
    analysis: Mapping[str, Any] | None = Field(description="Null until it is made.")


class AnalysisPage(BaseModel):
    """Some problems; the next page is at `next_cursor`, and in the Link header."""

    problems: Sequence[ProblemDocument]
    next_cursor: str | None


class ReasonDocument(BaseModel):
    """Why an inequality does not apply to some cases."""

    reason: str
    cases: int


class InequalityDocument(BaseModel):
    """The verdict on one inequality."""

    key: str
    statement: str
    explanation: str
    source: str
    scope: Scope
    status: Status
    applicable: int
    holds: int
    not_applicable: int
    reasons: Sequence[ReasonDocument]
    worst_slack: float | None = Field(description="1 − left/right in the closest case.")
    worst: Mapping[str, Any] | None
    tolerance: float
    tolerance_reason: str


class ReportDocument(BaseModel):
    """Every inequality of the paper, judged on the runs."""

    experiment_id: str
    name: str
    status: ExperimentStatus
    basis: Mapping[str, Any] = Field(description="How many runs and problems it rests on, and how they ended.")
    statuses: Mapping[str, int]
    inequalities: Sequence[InequalityDocument]
    measurements: Sequence[Mapping[str, Any]]
    regimes: Mapping[str, Mapping[str, Any]]
    endings: Sequence[Mapping[str, Any]] = Field(
        description="Why runs ended as they did, in a sentence of one of each."
    )
    frequencies: Sequence[Mapping[str, Any]]
    problems: Sequence[Mapping[str, Any]]


class PartDocument(BaseModel):
    """One document of an experiment."""

    href: str
    media_type: str
    bytes: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ManifestDocument(BaseModel):
    """What an experiment has, and what computed it."""

    experiment_id: str
    name: str
    status: ExperimentStatus
    runs_total: int
    runs_done: int
    numerics: str
    kernel_ids: Sequence[str]
    software: Mapping[str, str]
    documents: Sequence[PartDocument]


class FigureDocument(BaseModel):
    """A figure, and where it is in each format."""

    name: str
    title: str
    links: Mapping[str, str]


class FigureList(BaseModel):
    """The figures that suit an experiment."""

    figures: Sequence[FigureDocument]


class PresetSizeDocument(BaseModel):
    """One size of a preset."""

    runs: int
    spec: str


class PresetDocument(BaseModel):
    """A preset: what it shows, and its sizes."""

    name: str
    title: str
    description: str
    figures: Sequence[str]
    sizes: Mapping[str, PresetSizeDocument]


class PresetList(BaseModel):
    """Every preset."""

    presets: Sequence[PresetDocument]
