"""The pages of an operator, each executed as it stands: what they say to type is what is typed here."""
