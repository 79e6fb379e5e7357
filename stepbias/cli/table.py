"""Tables on stdout."""

import sys

from rich.console import Console
from rich.table import Table

# Where a program or a file reads, nothing is wrapped or cut.
_UNLIMITED = 10_000


def print_table(table: Table) -> None:
    """Print a table, as wide as the terminal or, where there is none, as wide as it is."""
    width = None if sys.stdout.isatty() else _UNLIMITED
    Console(markup=False, highlight=False, width=width).print(table)
