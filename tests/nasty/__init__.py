"""Specs on which descent goes wrong in every way it can, against loops of their own."""
