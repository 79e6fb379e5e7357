"""The service, as a script sees it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from stepbias.connection import Connection
from stepbias.handle import ExperimentHandle
from stepbias.paging import pages
from stepbias.plain import plain
from stepbias.retry_pauses import Clock, SystemClock
from stepbias.upload import ARRAYS, Data, encoded, file_name, is_table, with_column

Spec = Mapping[str, Any] | str | Path | bytes
"""An experiment spec: the document, with numbers and arrays of any library; a JSON file; or JSON itself as bytes."""


_OF_DATASETS: Final = ("id", "samples", "dimension", "held_out_samples", "has_true_predictor")


class Client:
    """The service at an address; a context manager that closes its connections.

    Args:
        base_url: where the service answers.
        timeout: seconds that one request may take.
        patience: seconds to go on asking a service that is busy, restarting or not there.
        api_key: a key of the service, where it wants one; that of STEPBIAS_API_KEY if None.
        transport: another way for requests to travel, such as into an application of the same process.
        clock: another time to pause by.

    Raises:
        ServiceUnreachable: `base_url` is no address. Nothing is asked of the service yet.
    """

    def __init__(  # noqa: PLR0913 - all named but the address
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        timeout: float = 30.0,
        patience: float = 60.0,
        api_key: str | None = None,
        transport: httpx2.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "base_url": base_url,
            "timeout": timeout,
            "patience": patience,
            "transport": transport,
            "clock": clock or SystemClock(),
            "api_key": os.environ.get("STEPBIAS_API_KEY") if api_key is None else api_key,
        }
        self._connection = Connection(**self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def with_options(self, *, timeout: float | None = None, patience: float | None = None) -> "Client":
        """Another client of the same service, with its own connections, that is to be closed like this one.

        Args:
            timeout: seconds that one request may take; as for this client if None.
            patience: seconds to go on asking; as for this client if None.
        """
        given: dict[str, Any] = {"timeout": timeout, "patience": patience}
        return Client(**self._options | {name: value for name, value in given.items() if value is not None})

    def submit(
        self,
        spec: Spec,
        *,
        order: str | None = None,
        stop_at_first_failure: bool = False,
        priority: str | None = None,
        webhook: str | None = None,
    ) -> ExperimentHandle:
        """Hand in an experiment. A spec that is active or has succeeded already is that same experiment.

        That one takes over the tags that it does not have (`handle.experiment.tags_added`), and is worked off as it was
        asked for the first time (`handle.experiment.execution`).

        Args:
            spec: the document, the path of a JSON file, or JSON as bytes. Files and bytes are sent as they are.
            order: "grid", or "shuffled": a tenth of all runs, spread over the whole grid, after another.
            stop_at_first_failure: cancel it when a job has used up its attempts, rather than do the others.
            priority: "interactive", or "batch": nobody waits for it, and all such get a fifth while others wait.
            webhook: an address that is told of its end by a signed POST, where the service tells its host.

        Raises:
            ProblemError: the spec is refused; `errors` point at the fields at fault.
            UnusableValue: the document holds what JSON has no words for, such as NaN.
            OSError: the file cannot be read.
        """
        stop = "true" if stop_at_first_failure else None
        query = {"order": order, "stop_at_first_failure": stop, "priority": priority, "webhook": webhook}
        response = self._connection.send("POST", "/v1/experiments", params=query, content=_json(spec))
        return ExperimentHandle.from_document(self._connection, self._connection.document(response))

    def estimate(self, spec: Spec) -> dict[str, Any]:
        """What the spec would cost; nothing is run.

        Returns:
            Counts of runs, problems and batches; the predicted steps, the seconds on one core, and the bytes kept.
            `wall_time` has the seconds with the `processes` of workers that live now, None where that is not known, and
            an `explanation`.

        Raises:
            ProblemError, UnusableValue, OSError: as for `submit`.
        """
        response = self._connection.send("POST", "/v1/experiments/estimate", content=_json(spec))
        return self._connection.document(response, "runs", "predicted_seconds", "bytes")

    def experiment(self, experiment_id: str) -> ExperimentHandle:
        """The experiment of that id, or of the id that begins so, if at least 8 digits are given.

        Raises:
            ProblemError: there is none (404), or there are several (409), which are named.
        """
        response = self._connection.send("GET", f"/v1/experiments/{quote(experiment_id, safe='')}")
        document = self._connection.document(response)
        return ExperimentHandle.from_document(self._connection, document, response.headers.get("ETag"))

    def experiments(  # noqa: PLR0913 - the filters, all named
        self,
        *,
        status: str | Sequence[str] | None = None,
        tag: str | Sequence[str] | None = None,
        name: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        preset: str | None = None,
        page_size: int | None = None,
    ) -> Iterator[ExperimentHandle]:
        """Every experiment that has all that is asked for, newest first, page after page as they are needed.

        Args:
            status: one of these.
            tag: all of these.
            name: a part of the name, in letters of either case.
            since: submitted then or later; RFC 3339, or with a time zone.
            until: submitted before.
            preset: the preset that it was submitted from.
            page_size: how many are asked for at a time.
        """
        filters = {
            "status": status,
            "tag": tag,
            "name": name,
            "since": _rfc_3339(since),
            "until": _rfc_3339(until),
            "preset": preset,
            "limit": page_size,
        }
        for document in pages(self._connection, "/v1/experiments", "experiments", filters):
            yield ExperimentHandle.from_document(self._connection, document)

    def upload_dataset(
        self, /, data: Data, *, name: str | None = None, target: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Upload data of one's own, to be used in specs as `{"kind": "dataset", "id": …}`.

        Args:
            data: arrays by name (X, y and, if known, true_predictor, held_out_X, held_out_y), of any library; a table
                of pandas or polars, whose columns keep their names; the path of a .json, .npz, .zip or .csv file; or
                the paths of X.npy, y.npy and so on.
            name: what the data set is called in lists; without it the name of the file, where it is one.
            target: the column of a table or a .csv file that is y; without it the one called y, or else the last.
            options: of a table or a .csv file: lists of columns `drop`, `keep` and `one_hot`; `delimiter`; `decimal`;
                `missing`, which is "refuse", "drop" or "mean".

        Returns:
            The description of the data set, and under `reading` how the file was understood: what was dropped,
            converted and guessed. Equal data have one id, whatever they were sent as.

        Raises:
            ProblemError: the data are refused; `errors` point at what is wrong.
            UnknownFile: the ending of a file does not say what it is.
            UnusableValue: what is given is no array of numbers.
            OSError: a file cannot be read.
        """
        content, media_type = encoded(data)
        query = {"name": file_name(data) if name is None else name, "target": target} | options
        response = self._connection.send("POST", "/v1/datasets", params=query, content=content, media_type=media_type)
        return self._connection.document(response, *_OF_DATASETS, "reading")

    def upload(
        self,
        /,
        X: Any,
        y: Any = None,
        *,
        name: str | None = None,
        target: str | None = None,
        **given: Any,
    ) -> dict[str, Any]:
        """Upload training samples: `upload(X, y)`, `upload(table, target="price")`, or whatever `upload_dataset` takes.

        Args:
            X: a row for each sample, of any library; the columns of a table of pandas or polars keep their names.
            y: their targets; None where they are a column of the table, or in the file.
            name: as for `upload_dataset`.
            target: the name of the column that y is, or becomes.
            given: `true_predictor`, `held_out_X` and `held_out_y`; else options of a table, as for `upload_dataset`.

        Returns, Raises:
            As `upload_dataset`.
        """
        arrays = {each: given.pop(each) for each in ARRAYS & given.keys()}
        if y is None and not arrays:
            return self.upload_dataset(X, name=name, target=target, **given)
        if is_table(X) and not arrays:
            column = target or str(getattr(y, "name", None) or "y")
            return self.upload_dataset(with_column(X, column, y), name=name, target=column, **given)
        return self.upload_dataset({"X": X, "y": y} | arrays, name=name, **given)

    def dataset(self, dataset_id: str) -> dict[str, Any]:
        """The description of an uploaded data set.

        Raises:
            ProblemError: there is none of that id (404).
        """
        return self._connection.get(f"/v1/datasets/{quote(dataset_id, safe='')}", *_OF_DATASETS)

    def datasets(self, *, name: str | None = None, page_size: int | None = None) -> Iterator[dict[str, Any]]:
        """Every uploaded data set, newest first, page after page as they are needed."""
        query = {"name": name, "limit": page_size}
        yield from pages(self._connection, "/v1/datasets", "datasets", query, members=_OF_DATASETS)

    def dataset_analysis(self, dataset_id: str, *, transform: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What is known of an uploaded data set before any training: rank, centring, and where steps are stable.

        Args:
            dataset_id: of the data set.
            transform: of the data before, as in a spec, such as `{"X": "centre", "y": "none"}`.

        Raises:
            ProblemError: there is none of that id (404), or no worker has answered in time (503).
        """
        query = None if transform is None else {"transform": json.dumps(plain(transform))}
        return self._connection.get(f"/v1/datasets/{quote(dataset_id, safe='')}/analysis", "rank", params=query)

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete an uploaded data set.

        Raises:
            ProblemError: there is none of that id (404), or an experiment uses it (409).
        """
        self._connection.send("DELETE", f"/v1/datasets/{quote(dataset_id, safe='')}")

    def presets(self) -> list[dict[str, Any]]:
        """The specs that come with the service: name, title, and how many runs each size has."""
        return list(pages(self._connection, "/v1/presets", "presets", members=("name", "title", "sizes")))

    def preset(self, name: str, size: str | None = None, *, seeds: int | None = None) -> dict[str, Any]:
        """The spec of one preset, ready to submit, in a size (the least one by default), on some data sets (one)."""
        params = {"size": size, "seeds": seeds}
        return self._connection.get(f"/v1/presets/{quote(name, safe='')}", "data", params=params)

    def version(self) -> dict[str, Any]:
        """What the service is made of."""
        return self._connection.get("/v1/version")


def _rfc_3339(time: str | datetime | None) -> str | None:
    return time.isoformat() if isinstance(time, datetime) else time


def _json(spec: Spec) -> bytes:
    if isinstance(spec, bytes):
        return spec
    if isinstance(spec, str | Path):
        return Path(spec).read_bytes()
    return json.dumps(plain(spec)).encode()
