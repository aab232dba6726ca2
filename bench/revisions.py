"""What git knows of the checkout around a folder: asked, never changed."""

import io
import subprocess
import zipfile
from pathlib import Path


class GitError(Exception):
    """Git does not answer; its own words say why."""


def ask(where: Path, *words: str) -> bytes:
    """What `git WORDS` prints in `where`. Raises GitError, also where git is not installed."""
    try:
        done = subprocess.run(["git", "-C", str(where), *words], capture_output=True, check=True)
    except OSError as error:
        raise GitError(f"git cannot be run: {error}") from error
    except subprocess.CalledProcessError as error:
        raise GitError(error.stderr.decode(errors="replace").strip()) from error
    return done.stdout


def unpack(where: Path, commit: str, name: str, into: Path) -> None:
    """Put the folder `name` of `where`, as it was in `commit`, below `into`. Raises GitError."""
    packed = ask(where, "archive", "--format=zip", commit, "--", name)
    zipfile.ZipFile(io.BytesIO(packed)).extractall(into)
