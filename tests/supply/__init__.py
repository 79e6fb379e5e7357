"""What the project is made of besides its own code: what it is, under which licence, and what is known against it."""
