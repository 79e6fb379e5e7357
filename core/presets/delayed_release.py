"""When a run leaves an interpolator that has become unstable: in exact arithmetic, and in float64."""

from typing import Final

from core.presets.preset import Parts, Preset, counts, described, fractions, log_spaced
from core.spec.experiment_spec import Release, SparseRegression, Stopping, UniformInitialization
from core.spec.optimizers import GradientDescent
from core.spec.swept import Values


def _warmups(release: Release, scales: int, steps: Values[int]) -> Parts:
    """Two samples, which a run interpolates to many digits while its step size is still small."""
    return {
        "data": SparseRegression(kind="sparse_regression", samples=2, dimension=5, seed=1),
        "initialization": UniformInitialization(scale=log_spaced(0.1, 1.5, scales)),
        "optimizer": GradientDescent(step_size=fractions(0.9), warmup_steps=steps),
        "stopping": Stopping(release=release),
    }


def _preset(name: str, title: str, description: str, release: Release) -> Preset:
    return described(
        name,
        title,
        description,
        figures=("phase",),
        quick=_warmups(release, 10, counts(300, 1000, 3000, 10_000, 30_000, 100_000)),
        full=_warmups(release, 30, counts(*(round(100 * 10 ** (k / 6)) for k in range(19)))),
    )


DELAYED_RELEASE: Final[tuple[Preset, ...]] = (
    _preset(
        "delayed-release",
        "Held as long as exact arithmetic would stay",
        "Outcome against scale and length of the warm-up, where a run that interpolates during the warm-up is held "
        "until exact arithmetic would let it go: the longer the warm-up, the further beyond stability.",
        Release.EXACT,
    ),
    _preset(
        "rounded-release",
        "Set free by rounding",
        "The same in plain float64, whose rounding sets the run free soon after its interpolator has become unstable.",
        Release.FLOAT64,
    ),
)
"""One experiment in both arithmetics."""
