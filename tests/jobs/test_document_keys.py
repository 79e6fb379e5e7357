"""Where documents are kept."""

from jobs.document_keys import figure_key


def test_a_figure_has_another_place_wherever_it_would_look_different() -> None:
    """By experiment, figure, format and state."""
    parts = ("one", "risk", "png", "running 5")
    changed = [(*parts[:place], "other", *parts[place + 1 :]) for place in range(4)]
    assert len({figure_key(*parts), *(figure_key(*other) for other in changed)}) == 5
