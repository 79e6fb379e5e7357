"""What a job says when it dies because its workers kept disappearing."""

_CAUSES = "killed, out of memory, or cut off from the store"


def loss_error(losses: int, failures: int, last_error: str | None) -> str:
    """The error of a job whose last attempt ended with a lost worker; `last_error` is that of the last failure."""
    sentence = f"its worker disappeared {_times(losses)} ({_CAUSES})"
    return f"{sentence}; before that it failed {_times(failures)}: {last_error}" if failures else sentence


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
