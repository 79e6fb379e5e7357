#!/bin/sh
# The newest experiment, handed to MLflow. Needs it: pip install mlflow
set -eu
id=$(stepbias list --limit 1 --status succeeded --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p' | head -n 1)
stepbias export mlflow "$id" --to tracked
# To look at it: mlflow ui --backend-store-uri sqlite:///tracked/mlflow.db
