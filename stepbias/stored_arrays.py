"""The numbers of an experiment, run by run and problem by problem."""

from pathlib import Path
from typing import Any

from stepbias.connection import Connection
from stepbias.trajectory import Trajectory, arrays_of
from stepbias.whole_file import whole_file


class StoredArrays:
    """The part of `ExperimentHandle` that reads arrays: nested lists by name, NaN where JSON has null.

    Each method raises `ProblemError`: 404 where the experiment has no such run or problem, 409 where it is not stored
    yet.
    """

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def run(self, index: int) -> dict[str, Any]:
        """One run: `index`, `coordinates` on the axes of the grid, its `summary` and its `explanation`.

        Both are None until it is stored; the second says why it ended as it did, and what can be done.
        """
        return self._connection.get(f"{self._path}/runs/{index}", "index", "summary")

    def trajectory(self, index: int) -> Trajectory:
        """What a run recorded, against the step, with the threshold 2/η_t of its step size.

        The last record is of the last iterate, which a completed run (`finished_by`) did not end at.
        """
        document = self._connection.get(f"{self._path}/runs/{index}/trajectory")
        try:
            return Trajectory.from_document(document)
        except (AttributeError, KeyError, TypeError):
            raise self._connection.not_the_service() from None

    def vectors(self, index: int) -> dict[str, list[Any]]:
        """What a run recorded of every coordinate where `recording.vectors` asks for it, in float64, and its plateaus.

        Returns:
            `record_step`, `training_time` and `rescaled_time` of shape (record,); `predictor`, `time_average`,
            `balance` and `support` of shape (record, dimension), as far as they were asked for; `plateau_left`,
            `plateau_loss` and others of shape (plateau,) where both the predictor and its time average were.
        """
        return self._arrays(f"runs/{index}/vectors")

    def arrays(self, index: int) -> dict[str, list[float]]:
        """Where a run ended, in float64; every array has shape (dimension,).

        Returns:
            The parameters θ by part (`u_plus`, `u_minus`; of UV `v_plus`, `v_minus` as well), the `predictor` β, the
            effective initialisation `effective_init` = √A where finite steps have it, the `gradient_sum` S, and the
            `true_predictor` where it is known.
        """
        return self._arrays(f"runs/{index}/arrays")

    def predictor(self, index: int) -> list[float]:
        """The predictor β that a run ended at, of shape (dimension,), in float64."""
        return self.arrays(index)["predictor"]

    def save_arrays(self, index: int, path: str | Path) -> Path:
        """Write what `arrays` has to an .npz file, bit for bit; returns its path.

        Raises:
            OSError: the file cannot be written.
        """
        content = self._connection.send("GET", f"{self._path}/runs/{index}/arrays.npz").content
        with whole_file(Path(path)) as part:
            part.write_bytes(content)
        return Path(path)

    def data(self, problem: int = 0) -> dict[str, list[Any]]:
        """The data set of a problem as its runs are trained on it, by the index that it has in `analysis`.

        Returns:
            `X` of shape (samples, dimension) and `y` (samples,), in float64; where they are known, `true_predictor`
            (dimension,), `held_out_X` (held-out samples, dimension) and `held_out_y`.
        """
        return self._arrays(f"analysis/{problem}/data")

    def interpolators(self, problem: int = 0) -> dict[str, list[float]]:
        """The predictors of the reference interpolators of a problem, by the index that it has in `analysis`.

        Returns:
            `min_l1`, `min_l2`, `least_trace`, `least_stability_measure`, `flattest` and, at depth 3 and more,
            `least_parameter_norm`, each of shape (dimension,), in float64; nothing where no predictor interpolates the
            data.
        """
        return self._arrays(f"analysis/{problem}/interpolators")

    def _arrays(self, part: str) -> dict[str, list[Any]]:
        document = self._connection.get(f"{self._path}/{part}")
        try:
            return arrays_of(document)
        except (AttributeError, KeyError, TypeError):
            raise self._connection.not_the_service() from None
