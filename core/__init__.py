"""The mathematics of the step size's implicit bias and its documents; no I/O, clock, environment, queue or HTTP."""
