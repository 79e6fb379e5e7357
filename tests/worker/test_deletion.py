"""What workers made for an experiment goes with it, and stays where another one uses it."""

from core.sweep.grid import Grid
from jobs.document_keys import analysis_key, interpolators_key
from tests.worker.workshop import Workshop, spec


def test_what_was_made_for_an_experiment_goes_with_it() -> None:
    """Its analysis, its interpolators and its runs, once the other experiment on the same data is gone as well."""
    workshop = Workshop()
    store, small, large = workshop.store, spec(scales=(0.1,)), spec(scales=(0.1, 0.3))
    experiments = [workshop.done(small), workshop.done(large)]
    (problem,) = Grid(small).each_problem()
    documents = [analysis_key(problem.key), interpolators_key(problem.key)]
    summaries = store.summaries(experiments[1], 0, 4)
    store.delete(experiments[0])
    store.clear_garbage(most=1000)
    assert None not in [store.document(each) for each in documents]
    assert store.summaries(experiments[1], 0, 4) == summaries
    assert None not in summaries
    store.delete(experiments[1])
    store.clear_garbage(most=1000)
    assert [store.document(each) for each in documents] == [None, None]
    again = workshop.done(small)
    assert store.experiment(again).runs_reused == 0
