"""Downloads checkpoints from the hub, into the cache that diffusers looks in.

What is fetched: configuration, tokenizers, the model card and the weights, as safetensors, of the
parts that are loaded; no other copies of the weights, and no code.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import httpx

from overpaint.engines.diffusers.card import read_card
from overpaint.engines.diffusers.download import (
    PATIENCE_S,
    File,
    Progress,
    Repository,
    download,
    small_file,
    tls,
)
from overpaint.engines.diffusers.hub import (
    find_snapshot,
    hub_folder,
    repository_folder,
    told_plainly,
)
from overpaint.engines.diffusers.index import (
    INDEX,
    custom_code,
    is_light,
    parts_of,
    read_fields,
)
from overpaint.engines.diffusers.options import Options
from overpaint.engines.diffusers.source import Source, read_source
from overpaint.engines.diffusers.weights import preferred, read_name
from overpaint.errors import CheckpointMissing, EngineUnusable
from overpaint.values import OnStep

_DOCUMENTS = re.compile(r"README\.md|LICEN[CS]E[^/]*|model_index\.json", re.IGNORECASE)
_PICKLE = "it can run any code when it is loaded; if you trust it, say --pickle"
_SMALL = re.compile(r".*\.(json|txt|model|jinja|tiktoken)")


def fetch(
    source: Source, options: Options, *, weights: bool = True, on_step: OnStep | None = None
) -> Path:
    """Download a checkpoint of the hub, what of it is not on this machine yet.

    Args:
        source: of the kind "hub"; with `file`, that file alone.
        options: `variant` chooses weights, `pickle` and `remote_code` allow what they say.
        weights: False leaves the weights out: what a single file needs beside it.
        on_step: told how many MB are there, of how many; what it raises stops the download, and
            the next one goes on where this one ended.

    Returns:
        The folder, or the file, on this machine.

    Raises:
        CheckpointMissing: the hub has none of this name, or does not give it to this user.
        EngineUnusable: it has only pickles or runs code of its own and that is not allowed, it
            has no weights of this variant, the hub cannot be reached, the disk is full, or
            huggingface_hub is not installed.
    """
    path = _fetch_one(source, options, weights, on_step)
    for connected in () if source.file else read_card(path).connected:  # these stand alone
        _fetch_one(read_source(connected), options, weights, on_step)
    return path / source.file if source.file else path


def _fetch_one(source: Source, options: Options, weights: bool, on_step: OnStep | None) -> Path:
    """Download one repository; return the folder of its files."""
    folder = hub_folder()  # before anything else: it says what is to be installed
    with told_plainly(source):
        there = None if weights else find_snapshot(source.repo, source.revision)
        repository = _repository(source, there.name if there else source.revision)
        chosen = _chosen(source, repository, options, weights=weights)
        progress = Progress(sum(file.bytes for file in chosen), on_step)
        _check_space(folder, chosen, repository)
        with httpx.Client(verify=tls(), follow_redirects=True, timeout=PATIENCE_S) as client:
            for file in chosen:
                download(client, repository, file, progress)
        path = repository_folder(source.repo) / "snapshots" / repository.commit
        if there is None:  # at last, so that what was there before is used until all is here
            _point(source, repository.commit)
    return path


def _repository(source: Source, revision: str | None) -> Repository:
    from huggingface_hub import HfApi

    info = HfApi().model_info(source.repo, revision=revision, files_metadata=True)
    files = [
        File(
            name=one.rfilename,
            bytes=one.size or 0,
            sha256=one.lfs.sha256 if one.lfs is not None else "",
        )
        for one in info.siblings or ()
    ]
    return Repository(repo=source.repo, commit=str(info.sha), files=tuple(files))


def _chosen(
    source: Source, repository: Repository, options: Options, *, weights: bool
) -> list[File]:
    """The files to download, small ones first."""
    names = {file.name for file in repository.files}
    if source.file:
        if source.file not in names:
            raise CheckpointMissing(f"{source.repo} has no file {source.file}")
        if not source.file.endswith(".safetensors") and not options.pickle:
            raise EngineUnusable(f"{source.file} is no .safetensors file; {_PICKLE}")
        return [file for file in repository.files if file.name in (source.file, "README.md")]
    if INDEX not in names:
        raise EngineUnusable(
            f"{source.repo} has no {INDEX}, so it is no folder to load" + _single(repository)
        )
    index = read_fields(small_file(repository, INDEX))
    chosen = [
        file
        for file in repository.files
        if _DOCUMENTS.fullmatch(file.name)
        or (_part_of(file.name) in index and _SMALL.fullmatch(file.name))
        or (options.remote_code and file.name.endswith(".py"))
    ]
    if custom_code(index) and not options.remote_code:
        raise EngineUnusable(
            f"{source.repo} runs code of its own; if you trust it, say --remote-code"
        )
    for part, (_, class_name) in parts_of(index).items() if weights else ():
        if not is_light(class_name):
            chosen += _weights_of(source, repository, part, options)
    if weights and options.variant and options.variant not in _variants(chosen):
        others = ", ".join(sorted(_variants(repository.files) - {""}))
        raise EngineUnusable(
            f"{source.repo} has no variant {options.variant} of its weights; say "
            f"{f'{others}, or ' if others else ''}none"
        )
    return sorted(chosen, key=lambda file: file.bytes)


def _weights_of(source: Source, repository: Repository, part: str, options: Options) -> list[File]:
    """The weight files of one part: as `find_weights` would choose them."""
    found: dict[tuple[str, str], list[File]] = {}
    for file in repository.files:
        folder, _, name = file.name.rpartition("/")
        named = read_name(name)
        if folder == part and named:
            found.setdefault(named[0], []).append(file)
    chosen = preferred(found, options.variant)
    if chosen is None:
        raise CheckpointMissing(f"{source.repo} has no weights of its {part}")
    if chosen[0] == "bin" and not options.pickle:
        raise EngineUnusable(f"{source.repo} has its {part} only as a pickle; {_PICKLE}")
    return found[chosen]


def _variants(files: Iterable[File]) -> set[str]:
    """The variants of the weight files among these; "" is the plain one."""
    read = (read_name(file.name.rpartition("/")[2]) for file in files)
    return {named[0][1] for named in read if named}


def _part_of(name: str) -> str:
    return name.split("/")[0] if name.count("/") == 1 else ""


def _single(repository: Repository) -> str:
    names = (file.name for file in repository.files)
    single = sorted(name for name in names if name.endswith(".safetensors") and "/" not in name)
    told = ", ".join(f"{repository.repo}/{name}" for name in single[:5])
    return f"; it has single files: {told}" if single else ""


def _check_space(folder: Path, files: list[File], repository: Repository) -> None:
    needed = sum(file.bytes for file in files if not (repository.blobs / file.sha256).is_file())
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise EngineUnusable(
            f"{repository.repo} needs {needed / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB are "
            "free; set HF_HOME to a folder with more space"
        )


def _point(source: Source, commit: str) -> None:
    """Let the name of the revision lead to the commit, as the hub's library does."""
    if source.revision == commit:
        return
    ref = repository_folder(source.repo) / "refs" / (source.revision or "main")
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit, encoding="ascii")
