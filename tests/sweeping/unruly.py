"""An executor of somebody else's: it runs points on this machine, and tells what is not so.

Its address says what it does wrong. The first task is the one of which it tells that.
"""

from repro.execution.executor import Failed, Finished, Prepared
from repro.execution.local import LocalExecutor


def open_unruly(setup):
    return Unruly(setup.jobs, setup.address)


class Unruly:
    def __init__(self, jobs, habit):
        self._inner = LocalExecutor(jobs)
        self._habit = habit
        self._over = []

    def __enter__(self):
        self._inner.__enter__()
        return self

    def __exit__(self, *words):
        self._inner.__exit__(*words)

    @property
    def free(self):
        free = self._inner.free
        return -1 if self._habit == "overdrawn" and free == 0 else free

    def submit(self, task):
        if self._habit == "overdrawn":
            assert self._inner.free > 0
        self._inner.submit(task)

    def proceed(self, number, seeds):
        self._inner.proceed(number, seeds)
        self._over.append(number)

    def cancel(self, number):
        if self._habit == "broken":
            raise RuntimeError("it cannot be ended")
        self._inner.cancel(number)

    def wait(self, seconds):
        told = []
        for event in self._inner.wait(seconds):
            told += self._told(event)
        if self._habit == "broken" and self._over:
            raise RuntimeError("it does not work any more")
        return told

    def _told(self, event):
        """Return what is told in place of an event."""
        match self._habit, event:
            case "anew", Prepared(number=1):
                self._first = event
            case "anew", _ if 1 in self._over and (first := self.__dict__.pop("_first", None)):
                return [first, event]
            case "early", Prepared(number=1):
                return [Finished(1, {"kind": "finished", "files": []})]
            case "empty", Prepared(number=1):
                return [Prepared(1, {"facts": {}, "environment": {}})]
            case "foreign", Prepared(number=1):
                environment = event.facts["environment"]
                code = {**environment["code"], "repro.execution.worker": "0" * 64}
                facts = {**event.facts, "environment": {**environment, "code": code}}
                return [Prepared(1, facts, "tcp://elsewhere:1")]
            case "talkative", Finished():
                late = [Failed(event.number, OSError("late")), Prepared(event.number, {})]
                return [Failed(77, OSError("who?")), event, *late, "words"]
            case "forgetful", Finished(number=1):
                return [Finished(1, {"files": ["model"]})]
        return [event]
