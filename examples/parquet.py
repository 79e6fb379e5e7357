"""Results as Parquet, in pandas. Needs pandas and pyarrow.

In R, with the package arrow:

    library(arrow)
    table <- read_parquet("results.parquet")
    aggregate(l1_norm ~ init_scale, data = table, FUN = median)
"""

import pandas as pd

import stepbias as sb

spec = sb.sweep(
    step_size=sb.fractions([0.2, 0.5]), init_scale=[0.1, 0.3], samples=5, dimension=10, sparsity=2, name="to Parquet"
)
with sb.connect() as lab:
    path = lab.submit(spec).wait().save_results("results.parquet")

table = pd.read_parquet(path)
print(table.groupby("init_scale")["l1_norm"].median())
