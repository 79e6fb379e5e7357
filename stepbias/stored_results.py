"""What an experiment has found: results, curves, analyses, the report and the figures."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stepbias.errors import UnusableValue
from stepbias.figure import Figure, figure_query
from stepbias.formats import RESULT_FORMATS, ending
from stepbias.paging import pages
from stepbias.results_table import columns, is_text, numeric
from stepbias.stored_arrays import StoredArrays

_FIGURE_PATIENCE = 120.0


class StoredResults(StoredArrays):
    """The part of `ExperimentHandle` that reads what is computed, as far as it has come."""

    def results(self) -> dict[str, Any]:
        """Every run as one labelled array: what `xarray.Dataset.from_dict` reads. Missing numbers are None."""
        return self._get("/results", "dims", "coords", "data_vars")

    def save_results(self, path: str | Path, *, format: str | None = None) -> Path:  # noqa: A002 - the word for it everywhere else
        """Write every run to a file, as it comes and never half of it; returns its path.

        Args:
            path: of the file.
            format: json, npz, csv, ndjson or parquet; without it the ending of the path says.

        Raises:
            UnusableValue: there is no such format.
            OSError: the file cannot be written.
        """
        file = Path(path)
        form = ending(file) if format is None else format
        if form not in RESULT_FORMATS:
            endings = ", ".join(RESULT_FORMATS)
            raise UnusableValue("format", f"results are saved as {endings}, and not as {form or 'nothing'!r}")
        self._connection.save(f"{self._path}/results.{form}", file)
        return file

    def to_xarray(self) -> Any:
        """Every run as an `xarray.Dataset` over the axes of the grid: numbers in float64, NaN where there is none.

        Raises:
            ModuleNotFoundError: xarray is not installed.
        """
        import xarray  # noqa: PLC0415 - the client needs it for nothing else

        return xarray.Dataset.from_dict(numeric(self.results()))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row for each run: numbers, NaN where there is none, and texts as categories.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd  # noqa: PLC0415 - as for `to_xarray`

        table = columns(self.results())
        return pd.DataFrame(table).astype({name: "category" for name, column in table.items() if is_text(column)})

    def to_polars(self) -> Any:
        """A `polars.DataFrame` with a row for each run: numbers, NaN where there is none, and texts as categories.

        Raises:
            ModuleNotFoundError: polars is not installed.
        """
        import polars as pl  # noqa: PLC0415 - as for `to_xarray`

        table = columns(self.results())
        texts = [name for name, column in table.items() if is_text(column)]
        return pl.DataFrame(table).with_columns(pl.col(texts).cast(pl.Categorical))

    def curves(  # noqa: PLR0913 - each is a parameter of the question, and all are named
        self,
        *,
        x: str | None = None,
        y: str | None = None,
        series: str | None = None,
        over: str | None = None,
        where: Mapping[str, float] | None = None,
        include: str | None = None,
        points: int | None = None,
    ) -> dict[str, Any]:
        """Curves of the results: `y` against `x`, one per value of `series`, with median and quartiles over `over`.

        Args:
            x: an axis of the grid.
            y: a result.
            series: another axis.
            over: a third one.
            where: the value of each axis that is none of these.
            include: runs that are `converged`, of these the `certain` ones that rounding did not decide, or `all`.
            points: at most so many values of x: the first, the last, and others evenly between them.

        Returns:
            `curves`, `baselines`, `flow_limits` and `kernel_limits` against the values of `x`; gaps are None. What is
            not said is chosen by the service to suit the experiment.
        """
        fixed = {f"where.{axis}": value for axis, value in (where or {}).items()}
        query = {"x": x, "y": y, "series": series, "over": over, "include": include, "points": points}
        return self._get("/curves", "curves", params=query | fixed)

    def runs(self) -> Iterator[dict[str, Any]]:
        """Each run in turn, in the order of the grid.

        An entry has the run's `coordinates` on the axes of the grid, its `summary` (outcome and final quantities) and
        its `explanation` (why it ended so, and what can be done), both None until it is stored.
        """
        return pages(self._connection, f"{self._path}/runs", "runs", members=("index", "summary"))

    def analysis(self) -> list[dict[str, Any]]:
        """What is known of each data set untrained: interpolators, min_sharpness_upper and _lower, max_stable_step.

        An entry has the data set's `coordinates` on the axes of the grid, and its `analysis`, None until it is made.
        """
        members = ("index", "analysis")
        return list(pages(self._connection, f"{self._path}/analysis", "problems", members=members))

    def report(self) -> dict[str, Any]:
        """Every inequality of the paper, checked on every converged run: how many hold, the closest case, and where.

        Returns:
            `basis` says how many runs are stored so far; `inequalities` have a row each, `measurements`, `regimes` and
            `problems` the numbers beside them. `read("report.txt")` is the same as a page of text.
        """
        return self._get("/report", "basis")

    def figures(self) -> list[str]:
        """The names of the figures that suit it."""
        return [
            figure["name"] for figure in pages(self._connection, f"{self._path}/figures", "figures", members=["name"])
        ]

    def figure(  # noqa: PLR0913 - each is a way to ask for it, and all but the first two by name
        self,
        name: str = "risk",
        format: str = "png",  # noqa: A002 - the word for it everywhere else
        *,
        style: str | None = None,
        size: str | tuple[float, float] | None = None,
        dpi: int | None = None,
        y_range: tuple[float | None, float | None] = (None, None),
        runs: int | Iterable[int] = (),
        where: Mapping[str, float | Iterable[float]] | None = None,
    ) -> Figure:
        """A figure drawn from the results: the bytes of a png, svg or pdf file, which a notebook shows.

        Args:
            name: one of `figures()`.
            format: png, svg or pdf.
            style: paper, slide or dark.
            size: width and height in inches, or column, page, slide or square; by default what its panels ask for.
            dpi: the dots per inch of a png file.
            y_range: the ends of the y axis, None for one as it is.
            runs: indices of the runs that a trajectory or predictor figure follows.
            where: the values of axes that are shown, such as {"init_scale": [0.1, 1.0]}; by default all.

        Raises:
            ProblemError: the figure does not suit the experiment, or an option is out of its range.
            UnusableValue: a size or range is no pair, or a value of an axis no number.
        """
        query = {"style": style, "dpi": dpi} | figure_query(size, y_range, runs, where or {})
        query = {key: value for key, value in query.items() if value is not None}

        def read(form: str) -> bytes:
            return self.figure_file(name, form, query)

        return Figure(read(format), name=name, format=format, read=read)

    def figure_file(self, name: str, format: str, query: Mapping[str, Any]) -> bytes:  # noqa: A002 - likewise
        """The bytes of a figure's png, svg, pdf, csv or txt file, asked for by the `query` of its address.

        Raises:
            ProblemError: the figure does not suit the experiment, or the query is refused.
        """
        path = f"{self._path}/figures/{quote(name, safe='')}.{quote(format, safe='')}"
        return self._connection.send("GET", path, params=dict(query), patience=_FIGURE_PATIENCE).content

    def read(self, /, part: str = "", **query: Any) -> bytes:
        """One part of it, such as `results`, or what it is itself, byte for byte as the service sends it."""
        path = f"{self._path}/{part}" if part else self._path
        return self._connection.send("GET", path, params=query).content

    def _get(self, part: str, *members: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._connection.get(f"{self._path}{part}", *members, params=params)
