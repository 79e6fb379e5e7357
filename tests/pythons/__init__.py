"""Both commands of the README, with every Python that is promised."""
