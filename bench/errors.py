"""One kind of error a user can act on: what is wrong, why, and the remedy. Exit code 2."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Input or surroundings that stop the work before anything is lost.

    Args:
        what: what is wrong, one clause ("unknown dataset 'tex8'").
        why: the reason, if the first clause does not already give it.
        remedy: what the user can do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, why: str = "", remedy: str = ""):
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why:    {self.why}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not registered; offers the closest ones.

    >>> print(unknown_name("dataset", "tex8", ["text8", "wiki-slice"]))
    unknown dataset 'tex8'
      remedy: did you mean 'text8'? known: text8, wiki-slice
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
    return UserError(f"unknown {kind} {name!r}", remedy=f"{guess}known: {', '.join(names)}")
