"""`python -m stepbias` is the command `stepbias`."""

from stepbias.cli.main import app

app(prog_name="stepbias")
