"""The mathematics of the step size's implicit bias, and its documents. Pure: no I/O, clock, environment, queue or HTTP."""
