"""A study of Optuna over step size and initialisation scale. Needs optuna: pip install optuna.

The trials of a batch are trained at the same time; one that is known already costs nothing.
"""

import optuna

import stepbias as sb

BATCHES, TRIALS = 2, 3

study = optuna.create_study(direction="minimize")
with sb.connect() as lab:
    for _ in range(BATCHES):
        trials = [study.ask() for _ in range(TRIALS)]
        steps = [trial.suggest_float("step_size_fraction", 0.05, 0.9) for trial in trials]
        scales = [trial.suggest_float("init_scale", 0.05, 1.0, log=True) for trial in trials]
        handles = [
            lab.submit(
                sb.sweep(
                    step_size=sb.fractions([step]),
                    init_scale=scale,
                    samples=5,
                    dimension=10,
                    sparsity=2,
                    warmup_steps=100,
                    name="a trial",
                )
            )
            for step, scale in zip(steps, scales, strict=True)
        ]
        for trial, handle in zip(trials, handles, strict=True):
            summary = handle.wait().run(0)["summary"]
            if summary["outcome"] == "converged":
                study.tell(trial, summary["excess_risk"])
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)

print(f"least excess risk {study.best_value:.3g} at {study.best_params}")
