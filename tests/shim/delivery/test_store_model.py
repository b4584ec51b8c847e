"""The store beside a plain model of it: whatever is done, in whatever order, both say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from store_case import conserved, event

from shim.delivery.events import Priority, State, Stream
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import Limits, StoreFullError

CAP = 6
streams = st.sampled_from([Stream(user, thread) for user in ("ada", "ben") for thread in ("t1", "t2")])
names = st.sampled_from("abcdefghijkl")
places = st.integers(0, 12)


class Model(RuleBasedStateMachine):
    """A stream is a list of `[id, priority, state, sends]`; its place is the index, plus one."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.opened()
        self.rows: dict[Stream, list[list]] = {}
        self.gone: dict[Stream, set[int]] = {}
        self.refused = 0

    def opened(self):
        return SqliteStore(Path(self.folder.name) / "m.sqlite", Limits(events_per_stream=CAP))

    def held(self, stream):
        rows, gone = self.rows.setdefault(stream, []), self.gone.setdefault(stream, set())
        return [(n + 1, row) for n, row in enumerate(rows) if n + 1 not in gone]

    @rule(stream=streams, name=names, priority=st.sampled_from(Priority))
    def append(self, stream, name, priority):
        held = self.held(stream)
        unconfirmed = [one for one in held if one[1][2] in (State.PENDING, State.SENT_UNCONFIRMED)]
        try:
            got = self.store.append(event(name, stream, priority=priority)).result(10)
        except StoreFullError:
            self.refused += 1
            assert name not in [row[0] for _, row in held]
            assert len(unconfirmed) >= CAP
            assert all(row[2] is State.PENDING and row[1] >= priority for _, row in held)
            return
        known = {row[0]: seq for seq, row in held}
        assert got.duplicate == (name in known)
        if got.duplicate:
            assert got.seq == known[name]
            return
        if len(unconfirmed) >= CAP:
            delivered = [one for one in held if one[1][2] is not State.PENDING]
            victim = min(delivered or held, key=lambda one: (0 if delivered else one[1][1], one[0]))
            self.gone[stream].add(victim[0])
            if not delivered:
                victim[1][2] = State.EXPIRED
                assert got.displaced.event_id == victim[1][0]
        self.rows[stream].append([name, priority, State.PENDING, 0])
        assert got.seq == len(self.rows[stream])

    @rule(stream=streams, seqs=st.sets(places, max_size=4))
    def mark_sent(self, stream, seqs):
        hit = [row for seq, row in self.held(stream) if seq in seqs]
        assert self.store.mark_sent(stream, seqs).result(10) == sum(row[3] > 0 for row in hit)
        for row in hit:
            row[3] += 1
            row[2] = State.SENT_UNCONFIRMED if row[2] is State.PENDING else row[2]

    @rule(stream=streams, seq=places)
    def ack(self, stream, seq):
        hit = [row for n, row in self.held(stream) if n <= seq and row[2] in (State.PENDING, State.SENT_UNCONFIRMED)]
        assert self.store.ack(stream, seq).result(10) == len(hit)
        for row in hit:
            row[2] = State.ACKED

    @rule(stream=streams, after=places)
    def replay(self, stream, after):
        hit = [row for n, row in self.held(stream) if n > after and row[2] is State.SENT_UNCONFIRMED]
        assert self.store.replay(stream, after=after).result(10) == len(hit)
        for row in hit:
            row[2] = State.PENDING

    @rule(stream=streams)
    def purge(self, stream):
        hit = [(n, row) for n, row in self.held(stream) if row[2] is State.PENDING]
        assert self.store.purge(stream).result(10) == len(hit)
        for n, row in hit:
            row[2] = State.REJECTED
            self.gone[stream].add(n)

    @rule()
    def reopen(self):
        self.store.close()
        self.store = self.opened()

    @invariant()
    def both_say_the_same(self):
        for stream in self.rows:
            want = [(n, row[0], row[2], row[3]) for n, row in self.held(stream)]
            got = [(one.seq, one.event.event_id, one.state, one.sends) for one in self.store.events(stream)]
            assert got == want
            assert {one.event.stream for one in self.store.events(stream)} <= {stream}

    @invariant()
    def nothing_is_unaccounted_for(self):
        sums = conserved(self.store)
        every = [row[2] for rows in self.rows.values() for row in rows]
        assert sums.emitted == len(every) + self.refused
        assert sums.pending == every.count(State.PENDING)
        assert sums.acked == every.count(State.ACKED)
        assert sums.expired == every.count(State.EXPIRED)
        assert sums.rejected == every.count(State.REJECTED) + self.refused

    def teardown(self):
        self.store.close()
        self.folder.cleanup()


TestStoreModel = Model.TestCase
TestStoreModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
