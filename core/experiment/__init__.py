"""An experiment carried out: documents become numbers, batches are trained, runs become results."""
