"""What a run costs, which runs are trained together, and what an experiment will take."""
