"""The commands with their arguments and options; what each does is imported when it runs."""
