"""`import stepbias`."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import stepbias


@pytest.mark.parametrize("name", stepbias.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Imported when it is first asked for, and listed for who explores."""
    assert getattr(stepbias, name).__name__ == name
    assert name in dir(stepbias)


def test_nothing_else_is_listed() -> None:
    """No module, and nothing that is imported for the package itself; the version is that of the installation."""
    program = "import stepbias; stepbias.Client; print(*dir(stepbias)); print(stepbias.__version__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*sorted([*stepbias.__all__, "__doc__", "__version__"]), version("stepbias")]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'Server'"):
        _ = stepbias.Server  # type: ignore[attr-defined]


def test_the_package_alone_loads_no_http_library() -> None:
    """So that the command, and every process of the service, starts without it."""
    program = "import sys, stepbias\nprint(sorted({'httpx2', 'click'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
