"""The hub: where its files lie on this machine, and what its library says when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from overpaint.engines.diffusers.source import Source
from overpaint.errors import CheckpointMissing, EngineFailed

INSTALL = 'pip install "overpaint[diffusers]"'


def hub_folder() -> Path:
    """The cache of huggingface_hub, as HF_HOME and HF_HUB_CACHE say; it need not exist.

    Raises:
        EngineFailed: the package is not installed.
    """
    if find_spec("huggingface_hub") is None:
        raise EngineFailed(f"checkpoints of the hub need another package: {INSTALL}")
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository_folder(repo: str) -> Path:
    """Where the cache keeps a repository's blobs, refs and snapshots; raises as `hub_folder`."""
    return hub_folder() / f"models--{repo.replace('/', '--')}"


def find_snapshot(repo: str, revision: str | None) -> Path | None:
    """The folder of a repository's files at a revision, None where nothing of it is there."""
    if find_spec("huggingface_hub") is None:
        return None
    folder = repository_folder(repo)
    named = folder / "refs" / (revision or "main")
    try:
        commit = named.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = revision or ""  # a commit stands for itself
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and snapshot.is_dir() else None


@contextmanager
def told_plainly(source: Source) -> Iterator[None]:
    """Turn what the hub and its library say into what to do."""
    from huggingface_hub import constants, errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # its own httpx's

    try:
        with _quiet():
            yield
    except errors.GatedRepoError as error:
        raise CheckpointMissing(
            f"{source.repo} is given only to who has agreed to its licence: do so at "
            f"{constants.ENDPOINT}/{source.repo}, then `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointMissing(f"{source.repo} has no revision {source.revision}") from error
    except errors.RepositoryNotFoundError as error:
        raise CheckpointMissing(
            f"the hub has no {source.repo}, or only for who has logged in: `hf auth login`"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise EngineFailed(f"{source} cannot be fetched: HF_HUB_OFFLINE is set") from error
    except (HTTPError, httpx.HTTPError) as error:
        what = str(error).split("\n", 1)[0] or type(error).__name__
        raise EngineFailed(
            f"{source} could not be fetched from {constants.ENDPOINT}: {what}; fetch it again"
        ) from error
    except OSError as error:
        raise EngineFailed(f"{source} could not be fetched: {error}; fetch it again") from error
    except ValueError as error:  # an answer that is no JSON
        raise EngineFailed(f"{source} could not be read: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no telemetry of the hub's library."""
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    constants.HF_HUB_DISABLE_TELEMETRY = True
    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()
