"""Where the façade's import goes: in isort's order where that is clear, else after the last import."""

from __future__ import annotations

import pytest
from migration_case import check_transformed, make_tree

CALL = "\n\nasync def f():\n    {}\n"
PING = "await get_hub().ping(1)"
WRAPPED = 'delivered(await get_hub().ping(1), "hub.ping")'
NEW = "from plant.loud import delivered\n"
HUB = "from plant.hub import get_hub\n"
OTHER = "from plant.other import Quiet\n"

ORDER = {
    "between its neighbours": (HUB + OTHER, HUB + NEW + OTHER),
    "before a comment of the next import": (HUB + "# quiet ones\n" + OTHER, HUB + NEW + "# quiet ones\n" + OTHER),
    "last of its family, others follow": (
        HUB + "\nfrom zoo import lion\n",
        HUB + NEW + "\nfrom zoo import lion\n",
    ),
    "before the relative ones": (HUB + "from . import line\n", HUB + NEW + "from . import line\n"),
    "last of all": ("import os\n" + HUB, "import os\n" + HUB + NEW),
    "first of its family": (
        "from plant.other import Quiet as Silent\nfrom plant.zoo import get_hub\n",
        NEW + "from plant.other import Quiet as Silent\nfrom plant.zoo import get_hub\n",
    ),
    "not sorted: at the end": (OTHER + HUB, OTHER + HUB + NEW),
    "two on a line: at the end": (HUB.strip() + "; import os\n" + OTHER, HUB.strip() + "; import os\n" + OTHER + NEW),
    "several lines": (
        "from plant.hub import (\n    Hub,\n    get_hub,\n)\n" + OTHER,
        "from plant.hub import (\n    Hub,\n    get_hub,\n)\n" + NEW + OTHER,
    ),
    "trailing comment": (HUB.strip() + "  # hub\n" + OTHER, HUB.strip() + "  # hub\n" + NEW + OTHER),
}


@pytest.mark.parametrize(("before", "after"), ORDER.values(), ids=ORDER)
def test_order(tmp_path, before, after):
    make_tree(tmp_path, zoo="from plant.hub import get_hub\n")
    check_transformed(tmp_path, ("check-results",), before + CALL.format(PING), after + CALL.format(WRAPPED))
