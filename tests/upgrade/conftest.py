"""The fixtures of the launcher's tests: real processes, and signals that are heard."""

from tests.stepbias.launcher.conftest import household, own_signals

__all__ = ["household", "own_signals"]
