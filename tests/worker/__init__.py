"""Tests of the worker: jobs from claim to stored results, in one process and on a clock that is moved."""
