"""The report of an experiment: every inequality checked on what is stored, as JSON and as a page of text."""

from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from api.contract.answers import ReportDocument
from api.contract.parts import PROBLEMS, files
from api.dependencies import ExperimentHere, StoreHere
from api.experiments.document import polling_headers
from api.stored.report import report_of
from core.report import page
from jobs.heading import heading

router = APIRouter(prefix="/v1/experiments/{experiment_id}", tags=["results"], responses=PROBLEMS)

_TEXT: Final = files("The page.", ["text/plain"])


@router.get("/report", response_model=ReportDocument)
def get_report(experiment: ExperimentHere, store: StoreHere) -> Response:
    """Every inequality of the paper, checked on every converged run: how many hold, the closest case, and where."""
    document = heading(experiment).identity | report_of(experiment, store=store).to_document()
    return JSONResponse(document, headers=polling_headers(experiment))


@router.get("/report.txt", response_class=PlainTextResponse, responses=_TEXT)
def get_report_page(experiment: ExperimentHere, store: StoreHere) -> Response:
    """The report as a page of text, to be read from top to bottom."""
    text = page(report_of(experiment, store=store), title=heading(experiment).title)
    return PlainTextResponse(text, headers=polling_headers(experiment))
