"""The step of descent in C, for the instruction set that the machine has; absent where no compiler was at hand."""
