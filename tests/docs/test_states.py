"""The picture of the states of a job shows the moves that there are, and the page tells of each."""

import re
from pathlib import Path

from jobs.states import JOB_MOVES, ExperimentStatus, JobState

DOCS = Path(__file__).parents[2] / "docs"
MOVES = {(str(before), str(after)) for before, those in JOB_MOVES.items() for after in those}


def test_the_picture_has_an_arrow_for_every_move_and_no_other() -> None:
    """And a place for every state."""
    picture = (DOCS / "images" / "job-states.svg").read_text(encoding="utf-8")
    assert set(re.findall(r'id="(\w+)-(\w+)" class="move"', picture)) == MOVES
    assert set(re.findall(r">(\w+)</text></g>", picture)) == set(JobState)


def test_the_page_says_when_each_move_is_made_and_what_each_status_is() -> None:
    """`cancelling` is none any more."""
    page = (DOCS / "explanation" / "jobs.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| (\w+) \| (\w+) \|", page, re.MULTILINE))
    assert told - {("from", "to")} == MOVES
    statuses = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert statuses == set(ExperimentStatus) - {ExperimentStatus.CANCELLING}
