"""Transfer: one file from its URLs to a partial file on the disk, tried again where that helps."""

from __future__ import annotations

import random

import requests

from t2t_mm import errors
from t2t_mm.downloads import attempt, control, declaration, failures, partial

_PROGRESS_BYTES = 1 << 20


class Transfers(control.Control):
    """Transfers that can be stopped together, each called in a thread of its own."""

    def run(self, download: declaration.Download, part: partial.Part) -> str:
        """Brings the whole file to `part`, and returns the URL that it came from.

        Raises:
          DataError: when no URL gives it, naming the reason for each; or the disk is full.
          StoppedError: after `stop`.
        """
        told: list[str] = []
        with requests.Session() as session:
            for url in download.urls:
                reason = self._from(url, download, part, session)
                if reason is None:
                    return url
                told.append(f"{url}: {reason}")
        kept = part.size
        goes_on = f"{kept:,} bytes are kept, and the next call goes on from there. " if kept else ""
        raise errors.DataError(
            f"Could not download {download.name}",
            received="; ".join(told),
            expected=download.content_words,
            hint=f"{goes_on}Or get it by other means and place it at {part.target}",
        )

    def _from(
        self,
        url: str,
        download: declaration.Download,
        part: partial.Part,
        session: requests.Session,
    ) -> str | None:
        """Tries one URL until it gives the file, or fails for good; then returns the reason."""
        pause_s, count = self.patience.pause_s, 0
        while True:
            count += 1
            before = part.size
            try:
                attempt.Try(url, download, part, session, self).run()
                return None
            except failures.TransferError as failure:
                self.check_stop()
                if part.size - before > _PROGRESS_BYTES:
                    pause_s, count = self.patience.pause_s, 1  # slow, but it goes on
                if not failure.passing or count >= self.patience.tries:
                    return str(failure) + (f", {count} times" if count > 1 else "")
                wait_s = max(failure.pause_s, pause_s * random.uniform(0.75, 1.25))
                wait_s = min(wait_s, self.patience.longest_pause_s)
                self.say(f"{url}: {failure}; trying again in {wait_s:.0f} s")
                self.wait(wait_s)
                pause_s *= 2
