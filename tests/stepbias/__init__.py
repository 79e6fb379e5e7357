"""Tests of `stepbias`: the client, the commands, and what runs the service here."""
