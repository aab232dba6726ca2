"""What can go wrong with files and disks, said so that a user can act on it."""

import errno
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import UserError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what can go wrong while reading `path` or writing to the cache into a UserError."""
    try:
        yield
    except (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:  # gzip and bz2 report bad contents as OSError without a number
            raise _damaged(path, error) from error
        if error.errno in DISK_FULL:
            raise UserError(
                "the disk is full",
                why=f"a corpus needs about three times the size of its text ({error})",
                remedy="make room, or set W2VBENCH_CACHE to a folder on another disk",
            ) from error
        raise UserError(
            f"cannot use {error.filename or path}",
            why=error.strerror or str(error),
            remedy="check that the folder is still there and that you may read it",
        ) from error


def _damaged(path: Path, error: Exception) -> UserError:
    """The error for an archive that cannot be unpacked to its end."""
    return UserError(
        f"{path} is truncated or damaged",
        why=str(error) or type(error).__name__,
        remedy="copy or download it again",
    )
