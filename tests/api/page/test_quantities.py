"""The results that the page offers are named as the service names them."""

import html
import re
from pathlib import Path

from core.results.variables import VARIABLES, Kind

_LINE = re.compile(r'<option value="(\w+)">(.*)</option>$', re.MULTILINE)


def test_each_is_a_result_with_its_label() -> None:
    """Or the curves that are asked for would be refused, or be called two names."""
    page = Path(__file__).parents[3] / "api/page/static/index.html"
    block = page.read_text(encoding="utf-8").partition('<template id="quantities">')[2].partition("</template>")[0]
    offered = dict(_LINE.findall(html.unescape(block)))
    assert len(offered) > 10
    assert offered == {name: VARIABLES[name].label for name in offered}
    assert all(VARIABLES[name].kind is not Kind.TEXT for name in offered)
