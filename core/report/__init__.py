"""The report of an experiment: every inequality of the paper, checked on every converged run and on every problem."""

from core.report.findings import STATEMENTS, Report, report
from core.report.page import page

__all__ = ["STATEMENTS", "Report", "page", "report"]
