"""Uploaded data sets: how one is read, kept, listed and analysed."""
