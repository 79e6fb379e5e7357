"""Where the application is: `api`, `worker`, `jobs` and `core`, which no other process of a user may see."""

import sys
from pathlib import Path


def service_directory() -> Path:
    """The directory of the four: one inside the installed package, or the checkout itself."""
    package = Path(__file__).parents[1]
    packaged = package / "_service"
    return packaged if packaged.is_dir() else package.parent


def make_importable() -> None:
    """Let this process import them, before anything else of these names: they are ordinary words."""
    directory = str(service_directory())
    if sys.path[:1] != [directory]:
        sys.path.insert(0, directory)
