"""What can be wrong with a request, as types. A run that diverges is a result, never one of these."""


class StepbiasError(Exception):
    """Anything a caller can put right; `message` is the sentence to show them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidData(StepbiasError):
    """Arrays that are no regression problem: shapes that disagree, emptiness, or numbers that are not finite."""


class NoInterpolator(StepbiasError):
    """No predictor satisfies Xβ = y, so nothing that is said of interpolators applies to this data set."""


class SolverFailure(StepbiasError):
    """An optimisation that has a solution was not solved: the data are too ill-conditioned for float64."""
