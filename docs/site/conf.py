"""How Sphinx makes the site of the documents; `docs/make_site.py` calls it."""

from typing import Any, Final

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

project = "stepbias"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = "stepbias"
html_static_path = ["site.css"]
html_favicon = "icon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_use_index = False
html_math_renderer = "mathml"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options: Final = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}


def inline(writer: Any, node: nodes.math) -> None:
    """A formula within a line, as MathML: what a browser sets without any script."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def displayed(writer: Any, node: nodes.math_block) -> None:
    r"""A formula of its own; its number is that of its `\\tag`, as code hosts show it."""
    formula, _, tag = node.astext().partition(r"\tag{")
    number = f"<span>({writer.encode(tag.partition('}')[0])})</span>" if tag else ""
    writer.body.append(f'<div class="equation" tabindex="0">{tex2mathml(formula, as_block=True)}{number}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Formulas without MathJax."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
