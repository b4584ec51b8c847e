"""`failloud check` of the real host as it is: it fits its host file, by its source alone, as it does when it runs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import pytest

from codemods.driftcontracts import contracts_of
from codemods.driftsignature import is_async, parameters, shown
from codemods.layout import find_layout
from codemods.project import Project
from shim.hosts import load_host

pytestmark = pytest.mark.host
DRIFT = {"FL101", "FL102", "FL103", "FL104", "FL106"}


@pytest.fixture(scope="module")
def host():
    return load_host("netra")


def test_every_row_is_compared_and_none_differs(host_tree, host):
    started = time.process_time()
    found = contracts_of(host, find_layout(host_tree, host.package))
    sys.stdout.write(
        f"\ncontracts: {found.compared} of {len(host.contracts)} compared, {time.process_time() - started:.2f} s\n"
    )
    assert found.findings == {}
    assert (found.compared, found.missing, found.untold) == (len(host.contracts), [], [])


def test_the_signature_of_the_source_is_the_declared_one_letter_for_letter(host_tree, host):
    """The rows are compared with the running host elsewhere, so source, row and running host are all the same."""
    project = Project(find_layout(host_tree, host.package))
    for row in host.contracts:
        module, _, name = row.target.partition(":")
        home = project.module(module)
        body = home.classes[name].body if name else home.tree.body
        function = [node for node in body if getattr(node, "name", "") == row.method][-1]
        assert shown(parameters(function, home, project)) == row.signature, row.key
        assert is_async(function) == row.is_async, row.key


def test_check_of_the_application_reports_no_drift(host_tree, tmp_path):
    """In a process of its own, so that its time and memory are its own."""
    script = "import sys\nfrom shim.cli import main\nsys.argv = ['failloud', 'check', *sys.argv[1:]]\nmain()\n"
    app = host_tree.joinpath(*load_host("netra").package.split("."))
    report = tmp_path / "report.json"
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script, app, "--host", "netra", "--json", "--output", report, "--jobs", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(
        f"\ncheck: {time.monotonic() - started:.1f} s, {cpu:.1f} s of processor, {used.ru_maxrss // 1024} MB at most\n"
    )
    assert ended.returncode == 1, ended.stderr  # 1: it is not migrated, contracted calls are silent
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["files"]["failed"] == []
    assert found["files"]["found"] == found["files"]["audited"] > 1000
    assert [one for one in found["findings"] if one["code"] in DRIFT] == []
    assert used.ru_maxrss / 1024 < 300
