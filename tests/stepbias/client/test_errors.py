"""Errors of the client, on their way between processes."""

import pickle

import pytest

from stepbias.errors import FieldError, ProblemError, ServiceUnreachable, StepbiasError

ERRORS = [
    ServiceUnreachable("nobody answers"),
    ProblemError(status=422, title="invalid", detail="no", errors=[FieldError(detail="wrong", pointer="/data")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_to_another_process(error: StepbiasError) -> None:
    """With all that it holds: a pool of processes hands errors back as it does results."""
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)
