#!/bin/sh
# An experiment with nothing but HTTP. Needs curl, and a service: stepbias up
set -eu
url="${STEPBIAS_URL:-http://127.0.0.1:8000}"

# Hand in a spec; the answer names the experiment.
answer=$(curl -sSf "$url/v1/experiments" -H 'Content-Type: application/json' -d '{
  "name": "with curl",
  "data": {"kind": "sparse_regression", "samples": 5, "dimension": 10, "sparsity": 2},
  "initialization": {"kind": "uniform", "scale": {"values": [0.1, 0.3, 1.0]}},
  "optimizer": {"kind": "gradient_descent", "step_size": {"fractions_of_max_stable": [0.2, 0.8]}, "warmup_steps": 100},
  "stopping": {"max_steps": 50000}
}')
id=$(printf '%s' "$answer" | sed 's/.*"id": *"\([^"]*\)".*/\1/')

# The service holds each answer back until the experiment has ended, for 10 seconds at most.
until printf '%s' "$answer" | grep -q '"status": *"\(succeeded\|failed\|cancelled\)"'; do
  answer=$(curl -sSf -H 'Prefer: wait=10' "$url/v1/experiments/$id")
done

# Results as CSV, a curve as JSON, a figure: drawn when it is first asked for, and 503 until then, which curl tries again.
curl -sSf "$url/v1/experiments/$id/results.csv" -o results.csv
curl -sSf "$url/v1/experiments/$id/curves?x=init_scale&y=excess_risk&series=step_size_fraction" -o curves.json
curl -sSf --retry 20 "$url/v1/experiments/$id/figures/risk.png" -o risk.png
echo "$id"
