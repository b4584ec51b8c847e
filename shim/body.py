"""The body of a wrapper around a contracted method, in pieces: what every call pays for, so each line counts.

`shim.wrap` puts them together for one contract row, `shim.shape` for the method's own parameters.
"""

from __future__ import annotations

from shim.contracts import Shows

__all__ = ["AFTER", "BEFORE", "BEGIN", "CALL", "GOOD", "JUDGED", "NEEDS", "RUN", "WATCHES"]

BEGIN = """\
_fl_now = _fl_clock()
if _fl_now >= _fl_cell.due:
    _fl_refresh()
_fl_mode = _fl_cell.mode
if _fl_mode is _fl_off:
    return $call
_fl_parent = _fl_get()
if _fl_parent is not None and not _fl_parent[7]:
    _fl_parent = _fl_open_call()
"""

CALL = """\
_fl_call = [
    _fl_guard, $self, $args, $kwargs, _fl_parent, _fl_mode, None, True, $held, _fl_now, None, $outside, None
]
"""

NEEDS = """\
try:
    _fl_lacks = $lacks
except Exception:
    _fl_lacks = True
if _fl_lacks:
    _fl_guard.begin(_fl_call)
"""

BEFORE = """\
try:
    _fl_call[10] = $self.failloud_before_$method(_fl_call, $passed)
except Exception as _fl_error:
    _fl_stumbled(_fl_error)
"""

AFTER = """\
try:
    $self.failloud_after_$method(_fl_call, _fl_answer, $passed)
except Exception as _fl_error:
    _fl_stumbled(_fl_error)
"""

WATCHES = """\
_fl_held = None
try:
    _fl_tells = $tells
except Exception:
    _fl_tells = False
if not _fl_tells:
    _fl_prepare($self)
    _fl_held = None
"""

RUN = """\
_fl_token = _fl_set(_fl_call)
try:
    _fl_answer = $call
except Exception as _fl_error:
    _fl_guard.raised(_fl_call, _fl_error)
    raise
except BaseException:
    _fl_guard.cancelled(_fl_call)
    raise
finally:
    try:
        _fl_reset(_fl_token)
    except ValueError:
        pass  # ended in another context than it began in: there is nothing of ours to put back there
"""

JUDGED = """\
try:
    if $good and _fl_call[6] is None and (_fl_parent is None or not _fl_noted(_fl_parent)):
        _fl_call[7] = False
        if _fl_call[6] is None:  # nor has another thread noted anything meanwhile
            return _fl_answer
except Exception:
    pass  # the answer cannot be read: close() reports that
return _fl_guard.close(_fl_call, _fl_answer)
"""

GOOD = {Shows.FALSY: "_fl_answer", Shows.UNSUCCESSFUL: "_fl_answer.success"}
