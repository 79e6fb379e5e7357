"""One step of gradient descent and many: optimisers, schedule, noise, and the kernels that do them."""
