"""The paper's figures set as one page for LaTeX: page.tex, and a PDF for each figure beside it.

    python -m docs.make_paper_page [--size quick] [--out out/paper-page] [PRESET ...]

Starts a service of its own in a temporary directory, unless it is told of one, and stops it.
"""

import argparse
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.presets import PRESETS
from docs.make_figures import compute, service
from stepbias import Client

PAPER_FIGURES: Final = (
    "figure-1",
    "figure-2",
    "figure-3",
    "figure-3-centred",
    "figure-4",
    "figure-5",
    "figure-6",
)

SIZE: Final = (5.6, 3.3)
"""Of each figure in inches, which is set two thirds as large."""

HEAD: Final = r"""\documentclass[9pt,a4paper]{extarticle}
\usepackage[T1]{fontenc}
\usepackage[margin=1.2cm]{geometry}
\usepackage{amsmath,amssymb,graphicx,caption}
\captionsetup{font=scriptsize,labelfont=bf,skip=2pt}
\pagestyle{empty}
\setlength{\parindent}{0pt}
\begin{document}
"""

SYMBOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "α": r"\alpha",
        "β": r"\beta",
        "ζ": r"\zeta",
        "η": r"\eta",
        "λ": r"\lambda",
        "μ": r"\mu",
        "σ": r"\sigma",
        "ρ": r"\rho",
        "θ": r"\theta",
        "ℓ": r"\ell",
        "√": r"\surd ",
        "‖": r"\|",
        "→": r"\to ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "−": "-",
        "·": r"\cdot ",
        "×": r"\times ",
        "±": r"\pm ",
        "∝": r"\propto ",
        "∞": r"\infty ",
        "½": r"\tfrac12 ",
    }
)
"""Letters that the font of words lacks, as formulas."""

ESCAPES: Final = str.maketrans(
    {letter: rf"\{letter}" for letter in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"\\": r"\textbackslash{}", "–": "--", "—": "---", "…": r"\ldots{}", "’": "'"}
)


ACCENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030c": "v", "\u0327": "c"}
)
"""What is set above or below a letter: grave, acute, circumflex, tilde, diaeresis, caron, cedilla."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A figure of the page: its file, what its preset says of it, and what its title says of these results."""

    file: str
    title: str
    description: str
    finding: str


def in_latex(text: str) -> str:
    """Plain text as LaTeX sets it, symbols as formulas.

    Raises:
        ValueError: there is a letter that it would lack.
    """
    return "".join(_letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter in SYMBOLS:
        return f"${SYMBOLS[letter].strip()}$"
    if ord(letter) in ESCAPES:
        return str(ESCAPES[ord(letter)])
    if letter.isascii():
        return letter
    base, *accents = unicodedata.normalize("NFD", letter)
    if accents and accents[0] in ACCENTS:
        return f"\\{ACCENTS[accents[0]]}{{{base}}}"
    kind, _, plain = unicodedata.decomposition(letter).partition("> ")
    if kind in {"<super", "<sub"}:
        digit = chr(int(plain, 16)).replace("−", "-")
        return f"${'^' if kind == '<super' else '_'}{{{digit}}}$"
    raise ValueError(f"LaTeX has no letter {letter!r} here: name it in SYMBOLS")


def page(entries: Sequence[Entry]) -> str:
    """The document: two figures beside each other, each with its caption."""
    return HEAD + "\n".join(map(_figure, entries)) + "\n\\end{document}\n"


def _figure(entry: Entry) -> str:
    finding = f" \\emph{{{in_latex(entry.finding)}.}}" if entry.finding else ""
    caption = f"\\textbf{{{in_latex(entry.title)}.}} {in_latex(entry.description)}{finding}"
    return "\n".join(
        (
            r"\begin{minipage}[t]{0.495\textwidth}\centering",
            rf"\includegraphics[width=\linewidth]{{{entry.file}}}",
            rf"\captionof{{figure}}{{{caption}}}",
            r"\end{minipage}\hfill",
        )
    )


def draw(client: Client, name: str, number: int, size: str, out: Path) -> Entry:
    """The figure that shows a preset best, computed and written as a PDF."""
    handle, seconds = compute(client, name, size)
    figure = handle.figure(PRESETS[name].figures[0], "pdf", size=SIZE)
    file = figure.save(out / f"figure_{number}.pdf")
    print(f"{file}: {name}, {seconds:.0f} s", flush=True)
    title = figure.alt.splitlines()[0].rstrip(".")
    said = PRESETS[name]
    finding = "" if " against " in title else title
    return Entry(file=file.name, title=said.title, description=said.description, finding=finding)


def main() -> None:
    """Compute and set the presets that are named, those of the paper's figures by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=PAPER_FIGURES, help="names of presets; default: the paper's")
    parser.add_argument("--size", default="quick")
    parser.add_argument("--url", help="where a service runs already; default: one of its own")
    parser.add_argument("--out", type=Path, default=Path("out/paper-page"))
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with nullcontext(wanted.url) if wanted.url else service() as url, Client(url) as client:
        entries = [
            draw(client, name, number, wanted.size, wanted.out) for number, name in enumerate(wanted.presets, start=1)
        ]
    (wanted.out / "page.tex").write_text(page(entries), encoding="utf-8")
    print(wanted.out / "page.tex")


if __name__ == "__main__":
    main()
