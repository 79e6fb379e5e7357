"""Tests of the job stores and of the message sender."""
