"""What the stand-ins of one run answer, and how the next run's answers are grown out of what was asked."""

from __future__ import annotations

from collections import deque

LIMIT = 400
"Answers in one run; a loop that never ends is stopped there, at the same place in both versions."
MOST = 2500
"Scripts at the most, while lines are wanting."


class Stop(BaseException):
    """Raised where a run has asked for too much: no handler of the code under test takes it."""


class Script:
    """The answers of one run, and what was asked and called in it."""

    def __init__(self, choices, awaited, raises):
        self.choices, self.awaited, self.raises = choices, awaited, raises
        self.asked, self.calls, self._times, self._left = {}, [], {}, LIMIT

    def choose(self, key, options):
        self._left -= 1
        if self._left < 0:
            raise Stop
        self.asked.setdefault(key, options)
        return self.choices.get(key, options[0])

    def time(self, *key):
        """Count how often something was asked; the third time is as the second."""
        self._times[key] = self._times.get(key, 0) + 1
        return min(self._times[key], 2)


class Growing:
    """Makes scripts of what earlier ones asked."""

    def __init__(self):
        self.asked, self._waiting, self._tried = {}, deque([{}]), set()
        self._telling, self._pairs = [], set()

    def scripts(self, most, wanting):
        """Give scripts, first each answer once; then, while lines are wanting, each on top of those that found some."""
        done = 0
        while self._waiting and done < most:
            done += 1
            yield self._waiting.popleft()
        known = [(key, option) for key, options in self.asked.items() for option in options[1:]]
        for base in self._telling:  # grows as we go
            for key, option in known:
                choices = {**base, key: option}
                mark = frozenset(choices.items())
                if done >= MOST or not wanting():
                    return
                if key not in base and mark not in self._tried:
                    done += 1
                    self._tried.add(mark)
                    self.asked = {}
                    yield choices
                    known += [each for each in self._new() if each not in known]

    def _new(self):
        return [(key, option) for key, options in self.asked.items() for option in options[1:]]

    def learn(self, choices, *, fresh):
        """Grow what a script asked for the first time; first what comes of one that reached new lines."""
        grown = [
            {**choices, key: option} for key, option in self._new()
            if key not in choices and (key, option) not in self._pairs
        ]  # fmt: skip
        self._pairs |= {(key, option) for each in grown for key, option in each.items()}
        self._tried |= {frozenset(each.items()) for each in grown}
        if fresh:
            self._telling.append(choices)
        if fresh and choices:
            self._waiting.extendleft(reversed(grown))
        else:
            self._waiting.extend(grown)
