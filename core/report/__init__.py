"""The report of an experiment: every inequality of the paper, checked on every limit of a run and every problem."""

from core.report.findings import STATEMENTS, Report, report
from core.report.page import page

__all__ = ["STATEMENTS", "Report", "page", "report"]
