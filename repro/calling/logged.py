"""The verbs for Python that speak of the log: read, verified, published; runs pushed and pulled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from repro.calling.accepted import Count, Reference, named
from repro.calling.asking import Asking
from repro.calling.check import checked_methods

if TYPE_CHECKING:
    from repro.audit_log.verification.faults import Report
    from repro.verbs.audit.exporting import Signed
    from repro.verbs.audit.publishing import Published
    from repro.verbs.audit.showing import Brief, Shown
    from repro.verbs.sealed.pulled import PulledRun
    from repro.verbs.sealed.pulling import Pulled
    from repro.verbs.sealed.pushing import Pushed


@checked_methods
class Logged(Asking):
    """What can be asked of a workspace's log."""

    __slots__ = ()

    def push(self, *references: Reference, to: str | Path) -> tuple[Pushed, ...]:
        """Put sealed runs into the store at the address ``to``, by digest and with their proof."""
        from repro.verbs.sealed.pushing import push

        return push(self.root, [named(one) for one in references], str(to))

    def pull(
        self,
        *names: str,
        source: str | Path,
        vkeys: Iterable[str] = (),
        policy: str | Path | None = None,
        self_asserted: bool = False,
    ) -> tuple[Pulled, ...]:
        """Fetch sealed runs from the store at ``source``; whose log vouches must be trusted."""
        from repro.verbs.audit.vouching import Trust
        from repro.verbs.sealed.pulling import pull

        trust = Trust(tuple(vkeys), None if policy is None else Path(policy), self_asserted)
        return pull(self.root, names, str(source), trust, self.observer.warn)

    def pulled(self) -> tuple[PulledRun, ...]:
        """Return the runs of other logs that were pulled, newest first, and what became of them."""
        from repro.verbs.sealed.pulled import all_pulled

        return all_pulled(self.root)

    def audit_show(
        self, what: Count | Reference | None = None, *, kind: str | None = None
    ) -> tuple[Shown, ...]:
        """Return records in full: one by its number, all of a run, or all of one ``kind``."""
        from repro.verbs.audit.showing import show

        given = str(what) if isinstance(what, int) else None if what is None else named(what)
        return tuple(show(self.root, given, kind))

    def audit_tail(self, lines: Count = 10) -> tuple[Brief, ...]:
        """Return the newest records, the oldest of them first."""
        from repro.verbs.audit.reading import reading
        from repro.verbs.audit.showing import newest

        with reading(self.root) as reader:
            return tuple(newest(reader, lines))

    def audit_checkpoint(self, *, sign: bool = False) -> Signed:
        """Return the signed checkpoint, which somebody else should keep, perhaps after signing."""
        from repro.verbs.audit.exporting import checkpoint

        return checkpoint(self.root, sign=sign, out=None)

    def audit_publish(self, address: str | Path, *, check: bool = False) -> Published:
        """Publish the signed log as static C2SP tlog-tiles; only what is new is written."""
        from repro.verbs.audit.publishing import Wanted, publish

        return publish(self.root, str(address), Wanted(check=check), self.observer.warn)

    def audit_verify(
        self,
        *vkeys: str,
        artifacts: bool = True,
        full: bool = False,
        checkpoint: str | Path | None = None,
        policy: str | Path | None = None,
    ) -> Report:
        """Return what can be said of the log, and with ``artifacts`` of every sealed file.

        ``checkpoint`` is a file with an older one that was kept elsewhere, ``policy`` one that
        names trusted logs and witnesses. Nothing is raised for a bad log: look at the report.
        """
        from repro.verbs.audit.verifying import Asked, verify_workspace

        kept, trusted = (None if file is None else Path(file) for file in (checkpoint, policy))
        asked = Asked(vkeys, trusted, kept, artifacts=artifacts, full=full)
        return verify_workspace(self.root, asked)[0]
