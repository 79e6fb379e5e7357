"""The results of an experiment as an answer, in the format that is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from anyio import to_thread
from fastapi import Request, Response

from api.experiments.document import path, polling_headers
from api.exports.archive import archive_pieces
from api.exports.formats import RESUMABLE, Format
from api.exports.kept_results import KeptResults, keep_results, kept_results, packed_pieces, plain_pieces
from api.exports.labelled_json import labelled_pieces
from api.exports.rows import csv_pieces, ndjson_pieces
from api.exports.run_table import RunTable, StoredRuns
from api.exports.sending import Pieces, off_loop, streamed
from api.http.negotiation import accepts_gzip, is_known
from api.http.representations import gzip_tag
from api.stored.grid import grid_of, heading
from core.identity import content_hash
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ACTIVE, ExperimentStatus

KEPT_FROM: Final = 1000
"""Runs from which on the JSON form of finished results is kept: less is made as fast as it is found."""


_VERSION: Final = version("stepbias")


def results_state(experiment: Experiment) -> str:
    """What tells apart the results of an experiment at one moment, as this version writes them."""
    about = heading(experiment).attributes | {
        "numerics": experiment.numerics,
        "finished_at": experiment.finished_at,
        "version": _VERSION,
    }
    return content_hash(about)[:32]


def tag_of(state: Mapping[str, Any]) -> str:
    """The entity tag of an answer in pieces, by all that it depends on."""
    return f'"{content_hash(state)[:32]}"'


def known_tag(tag: str, if_none_match: str | None) -> str | None:
    """The tag of what the asker has already, plain or as gzip."""
    return next((each for each in (tag, gzip_tag(tag)) if is_known((each,), if_none_match)), None)


@dataclass(frozen=True)
class ResultsAnswer:
    """What is answered about one experiment, in one format; `after` is the run after which rows begin."""

    experiment: Experiment
    form: Format
    after: int | None
    store: Store

    async def response(self, request: Request) -> Response:
        """The answer: 304 where it is known already, else the results."""
        known = known_tag(self.tag, request.headers.get("If-None-Match")) if self.is_final else None
        if known is not None:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers | {"ETag": known})
        if self.form is Format.JSON and self.is_final and self.experiment.runs_total >= KEPT_FROM:
            kept = await self._kept(request)
            if kept is not None:
                return await self._sent_as_kept(request, kept)
        runs = await off_loop(request, self._stored_runs)
        headers = {**self._headers, **polling_headers(self.experiment), **self._next(runs)}
        return await streamed(request, self._pieces(runs), media_type=self._media_type, headers=headers)

    @property
    def is_final(self) -> bool:
        """Whether the answer will be the same for ever."""
        return self.experiment.status is ExperimentStatus.SUCCEEDED

    @cached_property
    def tag(self) -> str:
        """The entity tag of the results as they are now, in this format and of this version of it."""
        return tag_of({"of": [self._state, self.form, -1 if self.after is None else self.after]})

    @cached_property
    def _gzip_tag(self) -> str:
        return gzip_tag(self.tag)

    @cached_property
    def _state(self) -> str:
        return results_state(self.experiment)

    @property
    def _headers(self) -> dict[str, str]:
        experiment, vary = self.experiment, "Accept, Accept-Encoding"
        name = f"{experiment.id}-results{'' if self.is_final else '-partial'}.{self.form}"
        common = {"Vary": vary, "Content-Disposition": f'inline; filename="{name}"'}
        # Asked again each time: a result may be found damaged by then.
        return common | {"Cache-Control": "private, no-cache"} | ({"ETag": self.tag} if self.is_final else {})

    @property
    def _media_type(self) -> str:
        if self.form is not Format.CSV:
            return self.form.media_type
        return f"{self.form.media_type}; charset=utf-8; header={'present' if self.after is None else 'absent'}"

    def _next(self, runs: StoredRuns) -> Mapping[str, str]:
        """Where the rows go on that are not stored yet. Some behind the first missing run may be sent again."""
        if self.form not in RESUMABLE or self.experiment.status not in ACTIVE:
            return {}
        after = f"?after={runs.whole_before - 1}" if runs.whole_before else ""
        place = f"{path(self.experiment.id)}/results.{self.form}{after}"
        return {"Link": f'<{place}>; rel="next"'}

    def _stored_runs(self) -> StoredRuns:
        return StoredRuns.of(self.experiment.id, grid_of(self.experiment.id, store=self.store), self.store)

    def _pieces(self, runs: StoredRuns) -> Pieces:
        table, attrs = RunTable(runs.grid), heading(self.experiment).attributes
        first = 0 if self.after is None else self.after + 1
        match self.form:
            case Format.CSV:
                return csv_pieces(table.names, runs.rows(first), has_names=self.after is None)
            case Format.NDJSON:
                return ndjson_pieces(table.names, runs.rows(first))
            case Format.PARQUET:
                # Five megabytes of a process that few ask for it.
                from api.exports.parquet import parquet_pieces  # noqa: PLC0415

                return parquet_pieces(table, runs.rows(), attrs)
            case Format.NPZ:
                return archive_pieces(table, runs.slices(), attrs)
            case Format.JSON:
                return labelled_pieces(table, runs.slices(), attrs)

    async def _kept(self, request: Request) -> KeptResults | None:
        """How the results are kept, made now unless they are; by one at a time, for the others will find them."""
        find = partial(kept_results, self.experiment.id, self._state, store=self.store)
        found = await off_loop(request, find)
        return found or await to_thread.run_sync(self._found_or_made, limiter=request.app.state.result_writers)

    def _found_or_made(self) -> KeptResults | None:
        found = kept_results(self.experiment.id, self._state, store=self.store)
        if found is not None:
            return found
        return keep_results(self.experiment.id, self._state, self._pieces(self._stored_runs()), store=self.store)

    async def _sent_as_kept(self, request: Request, kept: KeptResults) -> Response:
        packed = packed_pieces(self.experiment.id, self._state, kept, store=self.store)
        if not accepts_gzip(request.headers.get("Accept-Encoding")):
            headers = self._headers | {"Content-Length": str(kept.plain_bytes)}
            return await streamed(request, plain_pieces(packed), media_type=self._media_type, headers=headers)
        headers = self._headers | {
            "ETag": self._gzip_tag,
            "Content-Encoding": "gzip",
            "Content-Length": str(kept.packed_bytes),
        }
        return await streamed(request, packed, media_type=self._media_type, headers=headers)
