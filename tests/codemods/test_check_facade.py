"""`failloud check`, FL104 and FL110: what migrated code wants of the façade."""

from __future__ import annotations

import pytest
from check_case import FACADE, check, drift, make

SITE = "from mill.loud import delivered, escalate\n\ndef f(x):\n    return delivered(x, 'bell.ring')\n"


def test_a_facade_that_has_the_names_is_clean(tmp_path, capsys):
    assert drift(capsys, make(tmp_path, site=SITE)) == []


def test_nobody_needs_a_facade_before_something_is_migrated(tmp_path, capsys):
    assert drift(capsys, make(tmp_path, loud=None)) == []


def test_a_facade_that_is_gone(tmp_path, capsys):
    rows = drift(capsys, make(tmp_path, site=SITE, loud=None))
    assert {(code, path) for code, path, _ in rows} == {("FL104", "site.py")}
    assert "the façade mill.loud is not there; write it again with: failloud migrate" in rows[0][2]


LACKS = {
    "by name": "from mill.loud import delivered, escalate\n",
    "under another name": "from mill.loud import escalate as tell\n",
    "relative": "from .loud import escalate\n",
    "in a function": "def f():\n    from mill.loud import escalate\n",
    "in a try": "try:\n    from mill.loud import escalate\nexcept ImportError:\n    escalate = print\n",
    "by attribute": "import mill.loud\n\ndef f(e):\n    mill.loud.escalate(e)\n",
    "by the module": "from mill import loud\n\ndef f(e):\n    loud.escalate(e)\n",
}


@pytest.mark.parametrize("text", LACKS.values(), ids=LACKS)
def test_a_name_that_the_facade_lacks(tmp_path, capsys, text):
    folder = make(tmp_path, site=text, loud=FACADE.replace("escalate, ", ""))
    rows = drift(capsys, folder)
    assert [(code, path) for code, path, _ in rows] == [("FL104", "site.py")]
    assert "does not have escalate" in rows[0][2]


def test_the_facade_may_define_or_hand_on_what_it_likes(tmp_path, capsys):
    folder = make(tmp_path, site=SITE, loud="from mill.more import *\n\ndef escalate(e): ...\n", more=FACADE)
    assert drift(capsys, folder) == []


AROUND = {
    "a verb": "from shim import delivered\n",
    "a verb from its module": "from shim.calls import delivered\n",
    "an exception": "from shim.errors import LoudFailure\n",
    "by attribute": "import shim\n\ndef f(e):\n    shim.escalate(e)\n",
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_a_way_around_the_facade_is_a_notice_and_fails_nothing(tmp_path, capsys, text):
    folder = make(tmp_path, site=text)
    assert [code for code, _, _ in drift(capsys, folder)] == ["FL110"]
    ended = check(capsys, folder)
    assert ended.code == 0
    assert "FL110 facade-bypassed" in ended.out
    assert "[notice; façade]" in ended.out
    assert "::notice file=" in check(capsys, folder, "--format", "github").out


def test_who_installs_the_shim_imports_it(tmp_path, capsys):
    assert drift(capsys, make(tmp_path, site="import shim\n\nshim.install('the_mill.py')\n")) == []
