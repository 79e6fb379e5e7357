"""The results of an experiment as an answer, in the format that is asked for."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, Final

from anyio import to_thread
from fastapi import Request, Response

from api.experiments.document import path, polling_headers
from api.exports.courtesy import Courtesy
from api.exports.formats import RESUMABLE
from api.exports.sending import Pieces, off_loop, sent, streamed
from api.exports.written_results import WrittenResults
from api.http.negotiation import accepts_gzip, is_known
from api.http.representations import gzip_tag
from api.stored.grid import grid_of
from core.exports.files import file_pieces
from core.exports.format import ROWS, Format
from core.identity import content_hash
from jobs.errors import ExperimentNotFound, StoreFull
from jobs.heading import heading
from jobs.kept_results import KeptResults, Overtaken, ResultsFile
from jobs.ports import Store
from jobs.records import Experiment
from jobs.states import ACTIVE, ExperimentStatus
from jobs.stored_runs import StoredRuns

KEPT_FROM: Final = 1000
"""Runs from which on finished results are written by a worker, and kept: less is made as fast as it is found."""


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
        if self.is_final and self.after is None and self.experiment.runs_total >= KEPT_FROM:
            written = self._written(request)
            kept = await written.begun() or await self._kept_here(request)
            if kept is not None:
                return await self._sent_as_kept(written, kept)
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
        return self._file.state

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
        stored = StoredRuns.all if self.is_final else StoredRuns.of
        return stored(self.experiment.id, grid_of(self.experiment.id, store=self.store), self.store)

    def _pieces(self, runs: StoredRuns) -> Pieces:
        first, attrs = 0 if self.after is None else self.after + 1, heading(self.experiment).attributes
        return file_pieces(self.form, runs.grid, runs.slices(first), attrs, has_names=self.after is None)

    @cached_property
    def _file(self) -> ResultsFile:
        return ResultsFile.of(self.experiment, self.form, self.store)

    def _written(self, request: Request) -> WrittenResults:
        state = request.app.state
        return WrittenResults(file=self._file, bell=state.bell, request=request, patience=state.drawing_timeout)

    async def _kept_here(self, request: Request) -> KeptResults | None:
        """Write it here, as no worker does, where nothing can be sent before all runs are read; one at a time."""
        if self.form in ROWS:
            return None
        return await to_thread.run_sync(partial(self._kept_now, request), limiter=request.app.state.result_writers)

    def _kept_now(self, request: Request) -> KeptResults | None:
        found = self._file.found()
        if found is not None and found.pieces:
            return found
        plain = Courtesy(request.app.state.metrics).slowed(self._pieces(self._stored_runs()))
        with suppress(StoreFull, ExperimentNotFound, Overtaken):
            for _ in self._file.write(plain):
                pass
        return self._file.found()

    async def _sent_as_kept(self, written: WrittenResults, kept: KeptResults) -> Response:
        accepted = written.request.headers.get("Accept-Encoding")
        if self._file.is_packed and not accepts_gzip(accepted):
            headers = self._headers | _length(kept, kept.plain_bytes)
            return await sent(written.request, written.plain(kept), media_type=self._media_type, headers=headers)
        headers = self._headers | _length(kept, kept.packed_bytes)
        if self._file.is_packed:
            headers |= {"ETag": self._gzip_tag, "Content-Encoding": "gzip"}
        return await sent(written.request, written.packed(kept), media_type=self._media_type, headers=headers)


def _length(kept: KeptResults, count: int) -> dict[str, str]:
    return {"Content-Length": str(count)} if kept.is_whole else {}
