"""A host with no WebSocket and no async, declared in one file outside our packages: every contract in three modes."""

from __future__ import annotations

import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from jobqueue import notices, queues, service, workers
from jobqueue.dead import DeadLetters
from jobqueue.jobs import Job
from jobqueue.loudhost import HOST, JobFailedError, JobLostError, NoticeLostError, QueueFullError

import shim
from shim.host import census
from shim.places import Kind
from shim.recorder import Action

JOB = Job("j1", "sum", "ann", {})


@pytest.fixture
def installed(monkeypatch, caplog):
    """Install by path, as an operator would, on empty queues and no boxes."""
    caplog.set_level(logging.CRITICAL, "failloud")
    monkeypatch.setattr(queues.JobQueue, "_queues", {})
    monkeypatch.setattr(notices, "OUTBOX", {})
    made = shim.install("examples/jobqueue/loudhost.py")
    yield made
    assert made.uninstall() == []


def worker(tmp_path, code, *, dead="dead.jsonl"):
    return service.Worker(queues.JobQueue("w"), {"sum": code}, service.DeadLetters(tmp_path / dead), threads=1)


def fail():
    raise ZeroDivisionError("no jobs today")


def full():
    queue = service.small_queue("full")
    queue.jobs.append(JOB)
    return queue


CASES = {
    "queue.enqueue": (
        lambda _: full().enqueue(JOB), False, QueueFullError, "raised", {"job_id": "j1", "queue": "full"},
    ),
    "queue.accepts": (
        lambda _: queues.JobQueue.accepts(Job("", "", "")), False, QueueFullError, "raised",
        {"job_id": "unknown", "queue": "unknown"},
    ),
    "queue.restore": (lambda at: queues.JobQueue.restore("r", at / "gone"), None, JobLostError, "raised", {}),
    "worker.run": (
        lambda at: worker(at, fail).run(JOB), None, JobFailedError, "raised", {"job_id": "j1", "kind": "sum"},
    ),
    "worker.finish": (lambda at: worker(at, lambda: 5).finish(JOB), 5, NoticeLostError, "escalated", {"job_id": "j1"}),
    "notices.notify": (lambda _: service.tell(JOB, "x"), None, NoticeLostError, "raised", {"job_id": "j1"}),
    "notices.deliver": (
        lambda _: notices.Channel.PAGER.deliver("ann", "x"), False, NoticeLostError, "raised", {"job_id": "unknown"},
    ),
    "store.bury": (lambda at: DeadLetters(at / "no" / "dir").bury(JOB, "x"), False, JobLostError, "raised", {}),
}  # fmt: skip


def test_every_contract_has_a_case():
    assert set(CASES) == {row.key for row in HOST.contracts}


@pytest.mark.parametrize("key", CASES)
def test_off_observe_enforce(installed, tmp_path, key):
    call, answer, error, action, context = CASES[key]
    modes = lambda mode: shim.override(**dict.fromkeys(HOST.components, mode))  # noqa: E731  # a word for three lines
    with shim.recording() as records:
        assert call(tmp_path) == answer
        assert records == []
        with modes("observe"):
            assert call(tmp_path) == answer
        assert [record.action for record in records] == [Action.OBSERVED]
        with modes("enforce"):
            if action == "raised":
                with pytest.raises(error, match=error.phrase) as caught:
                    call(tmp_path)
                assert caught.value.context == context
            else:
                assert call(tmp_path) == answer
    assert [str(record.action) for record in records] == ["observed", action]
    assert type(records[1].error) is error
    assert records[1].error.context == context
    assert records[1].component == key.partition(".")[0]


def test_a_swallowed_cause_is_chained_through_the_thread_pool(installed, tmp_path):
    pool = worker(tmp_path, fail)
    pool.queue.enqueue(JOB)
    with shim.override(worker="enforce", store="enforce"), shim.recording() as records:
        assert pool.drain() == 1
    pool.close()
    assert [record.error_type for record in records] == ["JobFailedError"]
    assert isinstance(records[0].error.__cause__, ZeroDivisionError)
    assert (tmp_path / "dead.jsonl").read_text()


def test_two_failures_of_one_call_are_two_records(installed, tmp_path):
    with shim.override(worker="observe", store="observe"), shim.recording() as records:
        worker(tmp_path, fail, dead="no/dir").run(JOB)
    assert sorted(record.error_type for record in records) == ["JobFailedError", "JobLostError"]


def test_a_healthy_queue_makes_no_record(installed, tmp_path):
    notices.OUTBOX["ann"] = []
    whole = service.Service("healthy", {"sum": lambda: 1}, tmp_path / "dead")
    with shim.override(**dict.fromkeys(HOST.components, "enforce")), shim.recording() as records:
        whole.submit(JOB)
        assert whole.submit_all([JOB, JOB]) == 2
        assert whole.worker.drain() == 3
        workers.announce(JOB)
    whole.worker.close()
    assert records == []
    assert len(notices.OUTBOX["ann"]) == 3


def test_the_facade_s_wish_one_set_of_exceptions(installed):
    assert installed.host is HOST
    assert shim.install("jobqueue.loudhost") is installed
    error = QueueFullError("x", job_id="j1", queue="q", user_id="ann")
    assert pickle.loads(pickle.dumps(error)).context == {"job_id": "j1", "queue": "q"}  # noqa: S301  # our own bytes


def test_every_captured_name_is_rebound_and_the_enum_is_altered_in_place(installed):
    assert census() == ()
    shown = queues.JobQueue
    assert (shown, workers.Worker) == service.KINDS
    assert list(service.BY_CLASS.values()) == ["queue", "worker", "dead letters"]
    assert service.BY_CLASS[type(service.small_queue("k"))] == "queue"
    assert service.Service.queue_class is service.JobQueue is shown
    assert [place.where for place in installed.rebound if place.kind is Kind.METHOD] == [
        "jobqueue.notices.Channel.deliver"
    ]


def test_class_state_survives_the_uninstall(installed, tmp_path):
    (tmp_path / "jobs.json").write_text('[{"id": "j1", "kind": "sum", "owner": "ann"}]')
    queue = queues.JobQueue.restore("kept", tmp_path / "jobs.json")
    count = queues.JobQueue.restored
    installed.uninstall()
    assert queues.JobQueue("kept") is queue
    assert type(queue) is queues.JobQueue
    assert queues.JobQueue.restored == count
    shim.install(HOST).uninstall()


def test_many_threads(installed):
    queue = queues.JobQueue("many", capacity=50)
    with (
        shim.override(queue="enforce"),
        shim.recording() as records,
        ThreadPoolExecutor(8) as pool,
    ):
        futures = [pool.submit(queue.enqueue, Job(f"j{at}", "sum", "ann")) for at in range(200)]
        errors = [future.exception() for future in futures]
    lost = [error for error in errors if error is not None]
    assert {type(error) for error in lost} == {QueueFullError}
    assert len(lost) == len(records) == 150
    assert len({record.run_id for record in records}) == 150
