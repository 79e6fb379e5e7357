"""A sweep of step sizes, initialisation scales and seeds. Needs pandas, for the table."""

import stepbias as sb

spec = sb.sweep(
    step_size=sb.fractions(0.1, 0.9, 3),  # of η*, the largest stable step size of each data set
    init_scale=sb.logspace(0.1, 1.0, 3),
    seed=range(3),
    samples=5,
    dimension=10,
    sparsity=2,
    warmup_steps=100,
    name="a sweep",
)
with sb.connect() as lab:
    print(f"{lab.estimate(spec)['runs']} runs")
    experiment = lab.submit(spec).wait(progress=True)
    table = experiment.to_pandas()
    experiment.figure("risk").save(".")

converged = table[table["outcome"] == "converged"]
print(converged.groupby(["step_size_fraction", "init_scale"])["excess_risk"].median().unstack())
