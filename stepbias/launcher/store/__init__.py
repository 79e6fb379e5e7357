"""The embedded server, the directory that holds its data, and the file of a backup."""
