"""Runs made of several trainings: with others, interrupted, and to the bits that each trial has alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.array_block import pack_arrays, unpack_arrays
from core.descent.optimizers import HeavyBall, LabelNoise, Minibatch, Optimizer
from core.networks.network import UV, Diagonal, Network
from core.outcome import Outcome
from core.training.batch_training import Training
from core.training.training_run import CompletedLimit, Cycle, TrainedRun, TrainingRun
from core.training.trial_history import arrays_of, history_of
from core.training.trials import Search, SearchResult, SingleTrial, Trials
from tests.core.trainings import bits, made_up, planned, problem_of, trained_alone

pytestmark = pytest.mark.usefixtures("short_chunks")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Staircase:
    """A search of as many rounds as its trials have, each at step sizes that the rounds before decide.

    It remembers the last round alone, whose first trial stands for the run, and counts its rounds by the step sizes.
    """

    run: TrainingRun
    rounds: int = 3
    width: int = 2

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """Starting at η, each round 1 % above the last one, and a tenth of a per cent for each trial beside it."""
        start = history[0].run.step_size if history else self.run.step_size / 1.01
        if start > self.run.step_size * 1.01 ** (self.rounds - 1.5):
            return []
        return [replace(self.run, step_size=start * 1.01 * (1 + 1e-3 * number)) for number in range(self.width)]

    def remembered(self, history: Sequence[TrainedRun]) -> Sequence[TrainedRun]:
        """The last round."""
        return history[-self.width :]

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """The first trial of the last round, and the steps of all of that round."""
        last = history[-self.width :]
        return SearchResult(trained=last[0], extras={"steps of the round": float(sum(end.steps for end in last))})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Backwards(SingleTrial):
    """A short trial, and then the run the other way round."""

    def next_trials(self, history: Sequence[TrainedRun]) -> Sequence[TrainingRun]:
        """Of 64 steps, and of all."""
        if not history:
            return [replace(self.run, max_steps=64)]
        return [] if len(history) > 1 else [replace(self.run, goes_backwards=True)]

    def result(self, history: Sequence[TrainedRun]) -> SearchResult:
        """The end of the second."""
        return SearchResult(trained=history[1])


SEARCHES: tuple[Search, ...] = (
    Staircase(run=planned(3, init_scale=0.1)),
    Staircase(run=planned(1, init_scale=0.2, warmup_steps=3000), rounds=2, width=3),
    SingleTrial(run=planned(8, init_scale=0.3, warmup_steps=5000)),
    Staircase(run=planned(4, max_steps=700), rounds=1),
)


def results(trials: Trials) -> list[SearchResult]:
    """What comes of the rest of the trials, in the order of the runs."""
    ended: list[SearchResult] = []
    while trials.active:
        ended += trials.advance()
    return in_order(ended)


def in_order(ended: Sequence[SearchResult]) -> list[SearchResult]:
    """By run."""
    return sorted(ended, key=lambda result: result.trained.run.index)


def everything(ended: Sequence[SearchResult]) -> list[tuple[object, ...]]:
    """Everything about results, to the bit."""
    return [(*bits(result.trained), dict(result.extras)) for result in ended]


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[object, ...]]:
    """The results of all searches, trained together in one go."""
    return everything(results(Trials(problem_of(), SEARCHES)))


def test_every_search_comes_to_its_last_round(undisturbed: list[tuple[object, ...]]) -> None:
    """By a plain loop over its trials, each trained alone."""
    by_hand = []
    for search in SEARCHES:
        history: list[TrainedRun] = []
        while trials := search.next_trials(history):
            history = [trained_alone(problem_of(), run) for run in trials]
        by_hand.append(search.result(history))
    assert everything(in_order(by_hand)) == undisturbed


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_order_of_searches_changes_no_bit(order: tuple[int, ...], undisturbed: list[tuple[object, ...]]) -> None:
    """Nor do the others."""
    assert everything(results(Trials(problem_of(), [SEARCHES[index] for index in order]))) == undisturbed
    alone = [result for search in SEARCHES for result in results(Trials(problem_of(), [search]))]
    assert everything(in_order(alone)) == undisturbed


@given(strides=st.lists(st.integers(1, 60), min_size=1, max_size=5))
@settings(max_examples=8, deadline=None)
def test_stopping_anywhere_and_resuming_changes_no_bit(
    undisturbed: list[tuple[object, ...]], strides: list[int]
) -> None:
    """From the bytes of the checkpoint, given all searches or only those still unfinished."""
    trials, ended = Trials(problem_of(), SEARCHES), []
    for number, stride in enumerate(strides):
        for _ in range(stride):
            ended += trials.advance() if trials.active else []
        if trials.active:
            unfinished = {run.index for run in trials.active}
            searches = SEARCHES if number % 2 else [search for search in SEARCHES if search.run.index in unfinished]
            kept = unpack_arrays(pack_arrays(trials.checkpoint()))
            step, trials = trials.step, Trials.resume(problem_of(), searches, kept)
            assert trials.step == step
            assert {run.index for run in trials.active} == unfinished
    assert everything(in_order([*ended, *results(trials)])) == undisturbed


def test_resuming_after_every_single_step_changes_no_bit(undisturbed: list[tuple[object, ...]]) -> None:
    """Also between a trial's end and its round's, and between two rounds."""
    trials, ended = Trials(problem_of(), SEARCHES), []
    while trials.active:
        ended += trials.advance()
        if trials.active:
            trials = Trials.resume(problem_of(), SEARCHES, unpack_arrays(pack_arrays(trials.checkpoint())))
    assert everything(in_order(ended)) == undisturbed


@pytest.mark.parametrize(
    ("optimizer", "network", "parts"),
    [
        pytest.param(Minibatch(batch_size=2), Diagonal(2), 2, id="minibatches"),
        pytest.param(LabelNoise(noise_variance=0.1, noise_steps=300), Diagonal(3), 2, id="label noise, depth 3"),
        pytest.param(HeavyBall(momentum=0.5), UV(), 4, id="momentum, UV"),
    ],
)
def test_every_optimiser_and_network_can_be_resumed(optimizer: Optimizer, network: Network, parts: int) -> None:
    """Velocities, noise and four parts: in the middle of the first round and of the second."""
    problem = problem_of(network=network)
    run = planned(step_size=0.02, max_steps=1000, initial=np.full((parts, 7), 0.5), optimizer=optimizer)
    searches = [Staircase(run=run, rounds=2)]
    whole, trials = everything(results(Trials(problem, searches))), Trials(problem, searches)
    for advances in (7, 16):
        for _ in range(advances):
            trials.advance()
        trials = Trials.resume(problem, searches, unpack_arrays(pack_arrays(trials.checkpoint())))
    assert everything(results(trials)) == whole


def test_a_checkpoint_is_not_changed_by_going_on() -> None:
    """What was kept can be resumed from again, whatever has been done since."""
    trials = Trials(problem_of(), SEARCHES)
    for _ in range(30):
        trials.advance()
    kept = {name: array.copy() for name, array in trials.checkpoint().items()}
    resumed = Trials.resume(problem_of(), SEARCHES, kept)
    before = pack_arrays(kept)
    for _ in range(30):
        resumed.advance()
    assert pack_arrays(kept) == before


def test_a_run_of_one_trial_ends_as_in_plain_training() -> None:
    """A search of one trial is the run, to the bit, and step by step."""
    run = planned(5)
    plain, trials = Training(problem_of(), [run]), Trials(problem_of(), [SingleTrial(run=run)])
    while plain.active:
        (ended, found) = plain.advance(), trials.advance()
        assert [bits(trained) for trained in ended] == [bits(result.trained) for result in found]
        assert [dict(result.extras) for result in found] == [{}] * len(ended)
    assert not trials.active


def test_a_complete_search_ends_at_once_and_the_others_go_on() -> None:
    """It does not wait for the longest trial of its round."""
    short, long = SingleTrial(run=planned(1, max_steps=64)), SingleTrial(run=planned(2, max_steps=640))
    trials = Trials(problem_of(), [long, short])
    (first,) = trials.advance()
    assert (first.trained.run.index, first.trained.outcome) == (1, Outcome.BUDGET_EXHAUSTED)
    assert [run.index for run in trials.active] == [2]
    assert trials.step == 64


def test_what_goes_backwards_waits_for_a_round_of_its_own() -> None:
    """Until the longest search is over, and then is trained to the bits that it has alone; also if it is resumed."""
    backwards = Backwards(run=planned(1, max_steps=640))
    searches: list[Search] = [Staircase(run=planned(4, max_steps=700), rounds=2), backwards]
    (alone,) = results(Trials(problem_of(), [backwards]))
    for resumed in (False, True):
        trials, ended = Trials(problem_of(), searches), []
        while trials.active:
            ended += trials.advance()
            if resumed and trials.active:
                trials = Trials.resume(problem_of(), searches, unpack_arrays(pack_arrays(trials.checkpoint())))
        assert [result.trained.run.index for result in ended] == [4, 1]
        assert trials.step == 2 * 704 + 640
        assert everything(ended[1:]) == everything([alone])


def test_steps_are_counted_over_all_rounds() -> None:
    """Rounds follow one another: three of 700 steps, each to the check after it."""
    trials = Trials(problem_of(), [Staircase(run=planned(4, max_steps=700))])
    steps = []
    while trials.active:
        trials.advance()
        steps.append(trials.step)
    assert steps == sorted(set(steps))
    assert steps[-1] == 3 * 704


def test_a_checkpoint_of_another_batch_is_refused() -> None:
    """Resuming needs the searches that the checkpoint was taken of; plain training's is none at all."""
    trials = Trials(problem_of(), [SEARCHES[0]])
    with pytest.raises(KeyError):
        Trials.resume(problem_of(), [SEARCHES[1]], trials.checkpoint())
    with pytest.raises(KeyError):
        Trials.resume(problem_of(), SEARCHES, Training(problem_of(), [SEARCHES[0].run]).checkpoint())


def test_ends_read_back_from_their_arrays() -> None:
    """To the bit, whatever the outcome, the start, the step size and the length of the curves; also none at all."""
    runs = {index: planned(index) for index in range(3)}
    history = [
        made_up(replace(runs[number % 3], step_size=0.1 * number), outcome) for number, outcome in enumerate(Outcome)
    ]
    history[1] = replace(history[1], loss=np.inf, theta=history[1].theta * np.nan)
    history[2] = replace(history[2], cycle=Cycle(amplitude=0.1, period=0))
    limit = CompletedLimit(theta=history[3].theta / 3, estimate=1e-9, bound=np.inf, by_strides=True)
    history[3] = replace(history[3], completion=limit, cycle=Cycle(amplitude=0.2, period=2))
    moved = replace(history[2].run, initial=history[2].run.initial * 2, record_points=0)
    unrecorded = trained_alone(problem_of(), moved)
    for ends in ([], history, [*history, unrecorded, history[0]]):
        again = history_of(unpack_arrays(pack_arrays(arrays_of(ends))), runs)
        assert [bits(end) for end in again] == [bits(end) for end in ends]


def test_ends_of_a_run_that_nobody_knows_are_refused() -> None:
    """A history belongs to its runs."""
    with pytest.raises(KeyError):
        history_of(arrays_of([made_up(planned(1), Outcome.CONVERGED)]), {2: planned(2)})
