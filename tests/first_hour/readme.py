"""What the README tells somebody to type who has data of their own."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SECTION: Final = "Your own data"


def commands() -> list[str]:
    """The lines of the section's blocks, in their order, without comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, after = text.partition(f"\n## {SECTION}\n")
    section, _, _ = after.partition("\n## ")
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]
