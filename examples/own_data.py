"""A table of one's own: what to expect of large steps on it, and what they do."""

from pathlib import Path

import stepbias as sb

table = Path(__file__).with_name("measurements.csv")

with sb.connect() as lab:
    uploaded = lab.upload(table, target="response", drop=["sample"])
    print(f"{uploaded['samples']} samples in {uploaded['dimension']} columns")

    # Before any training: at which step sizes anything is stable, and what to train.
    analysis = lab.dataset_analysis(uploaded["id"], transform={"X": "standardise", "y": "centre"})
    print(*analysis["advice"]["sentences"], sep="\n")

    spec = sb.sweep(
        uploaded,
        transform={"X": "standardise", "y": "centre"},
        step_size=sb.fractions([0.1, 0.9]),
        init_scale=[0.3, 1.0],
        warmup_steps=100,
        name="measurements",
    )
    experiment = lab.submit(spec).wait(progress=True)
    for run in experiment.runs():
        print(run["coordinates"], run["explanation"])
    experiment.figure("risk").save(".")
