"""What a checkpoint is and whether it is all there, from its small files and headers alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from overpaint.engines.diffusers.card import Card, read_card
from overpaint.engines.diffusers.family import FAMILIES, Family
from overpaint.engines.diffusers.fetch import fetch
from overpaint.engines.diffusers.hub import find_snapshot
from overpaint.engines.diffusers.index import (
    Part,
    called,
    few_steps,
    fitted,
    inpainting_family,
    read_config,
    read_index,
)
from overpaint.engines.diffusers.options import OPTIONS, Options
from overpaint.engines.diffusers.single_file import (
    check_config,
    config_folder,
    holds,
    missing_of_file,
    recognise,
)
from overpaint.engines.diffusers.source import Source, read_source
from overpaint.engines.diffusers.weights import Weights, read_header
from overpaint.errors import CheckpointMissing, EngineUnusable
from overpaint.values import EngineInfo, OnStep

#: How many pictures are painted at once where nobody says: on a CPU more only wait longer.
BATCH, CPU_BATCH = 8, 4
#: Bytes of a number.
ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
#: A single file of these is a pickle.
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that is on this machine, whole or not."""

    source: Source
    path: Path  # the folder with model_index.json, or the single file
    family: Family  # with side, multiple, steps and guidance as this one and its options have them
    class_name: str  # of model_index.json; the family's own for a single file
    parts: tuple[Part, ...]
    card: Card
    channels: int | None = None  # that its U-Net takes: 9 is made for inpainting, 4 is not
    config: Path | None = None  # of a single file: the folder of configuration and tokenizers
    config_source: Source | None = None  # of a single file: where that is to be had
    lacks: tuple[str, ...] = ()  # parts that a single file has not, and that `config` has to have
    custom_code: tuple[str, ...] = ()  # what of it is code of its own
    few_steps: bool = False  # distilled: made for few steps without guidance
    missing: tuple[str, ...] = ()

    @classmethod
    def read(cls, source: Source, options: Options) -> Checkpoint:
        """Read what there is, and say in `missing` what is not.

        Raises:
            CheckpointMissing: nothing of it is there.
            EngineUnusable: it is none that can be painted with.
            InvalidOption: `side` does not fit it.
        """
        path = source.path or find_snapshot(source.repo, source.revision)
        if path is None and options.download:
            path = fetch(source, options, weights=False)
        if path is None:
            raise CheckpointMissing(
                f"checkpoint {source} is not on this machine; "
                f"overpaint checkpoints fetch {source}, or say ?download=1"
            )
        if not path.exists():
            raise CheckpointMissing(f"there is no checkpoint at {path}")
        try:
            if path.is_file():
                return _read_file(source, path, options)
            return _read_folder(source, path, options)
        except OSError as error:
            raise EngineUnusable(f"{path} cannot be read: {error.strerror or error}") from error

    @classmethod
    def open(cls, source: Source, options: Options) -> Checkpoint:
        """Read it, and see that it can be loaded as the options say.

        Raises:
            CheckpointMissing: it, or some of it, is not there and is not to be downloaded.
            EngineUnusable: as `read`; or it has pickles or code of its own that no option allows.
            InvalidOption: as `read`.
        """
        found = cls.read(source, options)
        found.check(options)
        return found

    def whole(self, options: Options, on_step: OnStep | None = None) -> Checkpoint:
        """The checkpoint with what was missing downloaded, where `download` allows that.

        Raises:
            CheckpointMissing, EngineUnusable: as `open`, and as `fetch`.
        """
        self.check(options)
        if not self.missing:
            return self
        if self.source.kind == "hub":
            fetch(self.source, options, on_step=on_step)
        elif self.config_source is not None:
            fetch(self.config_source, options, weights=False, on_step=on_step)
        return Checkpoint.open(self.source, replace(options, download=False))

    def check(self, options: Options) -> None:
        """See that it can be loaded as the options say; raises as `open`."""
        if self.missing and not (options.download and self._to_be_had):
            what = ", ".join(self.missing[:5]) + (", ..." if len(self.missing) > 5 else "")
            name = self.source.name
            raise CheckpointMissing(f"checkpoint {name} is not whole ({what}); {self._mend}")
        if self.custom_code and not options.remote_code:
            raise EngineUnusable(
                f"checkpoint {self.source.name} runs code of its own "
                f"({', '.join(self.custom_code)}); if you trust it, say ?remote_code=1"
            )
        if self.pickled and not options.pickle:
            raise EngineUnusable(
                f"checkpoint {self.source.name} has pickled weights, which can run any code "
                f"({', '.join(self.pickled)}); if you trust it, say ?pickle=1"
            )

    @property
    def _to_be_had(self) -> bool:
        """Whether what is missing can come from the hub."""
        if self.source.kind == "file":
            return self.config is None and not self.lacks
        return self.source.kind == "hub"

    @property
    def _mend(self) -> str:
        if self.source.kind == "hub":
            return f"overpaint checkpoints fetch {self.source}"
        if self.source.kind == "folder":
            return "download it again"
        if self.config is None and not self.lacks:
            return (
                f"overpaint checkpoints fetch {self.config_source} --no-weights, or ?config=FOLDER"
            )
        return "say ?config=FOLDER of a checkpoint that has them"

    @property
    def pickled(self) -> tuple[str, ...]:
        """The parts whose weights are pickles."""
        return tuple(part.name for part in self.parts if part.weights.pickled)

    @property
    def bytes(self) -> int:
        """Size of the weight files that are loaded, bytes."""
        return sum(part.weights.bytes for part in self.parts)

    @property
    def parameters(self) -> int:
        """How many numbers the weights are; a pickle's are guessed from its size."""
        return sum(
            part.weights.parameters or part.weights.bytes // ITEM_BYTES["float32"]
            for part in self.parts
        )

    def memory(self, dtype: str) -> int:
        """About how many bytes painting one picture takes, all weights loaded as `dtype`.

        The weights, and 1024 numbers a pixel for what lives while the autoencoder decodes: an
        estimate to choose with, not a measurement.
        """
        return (self.parameters + 1024 * self.family.side**2) * ITEM_BYTES[dtype]

    def batch(self, options: Options) -> int:
        """How many pictures it paints at once at most."""
        if not self.family.batches:
            return 1
        return options.batch or (CPU_BATCH if options.device == "cpu" else BATCH)

    @property
    def applicable(self) -> tuple[str, ...]:
        """The names of the options that do something here."""
        family, kind = self.family, self.source.kind
        idle = {
            "config": kind != "file",
            "variant": kind == "file",
            "download": kind == "folder",
            "batch": not family.batches,
            "wait_ms": not family.batches,
            "exact": not family.batches,
            "prompt_cache": family.embedding == "none",
            "block_cache": family.network != "transformer",
            "guidance_until": family.guidance_kind in ("distilled", "none"),
        }
        return tuple(option.name for option in OPTIONS if not idle.get(option.name))

    def info(self, options: Options) -> EngineInfo:
        """What the engine of this checkpoint is and takes."""
        family = self.family
        licence = f", licence {self.card.licence}" if self.card.licence else ""
        return EngineInfo(
            name=self.source.engine_name,
            summary=f"{family.title}{licence}",
            native_sizes=(family.side,),
            max_side=family.side,
            takes_reference=family.takes_reference,
            takes_style=True,
            takes_strength=family.takes_strength,
            takes_guidance=family.guidance_kind != "none",
            takes_negative=family.takes_negative,
            takes_steps=True,
            batch=self.batch(options),
            licence=self.card.told,
            languages=family.languages,
        )


def _read_folder(source: Source, folder: Path, options: Options) -> Checkpoint:
    index = read_index(folder, options.variant)
    family = inpainting_family(index, source.name)
    card = read_card(folder)
    parts, missing = list(index.parts), list(index.missing)
    if index.class_name == "KandinskyV22InpaintPipeline":  # the decoder alone
        missing += _add_prior(parts, card, options)
    few = few_steps(family, folder, called(source, options), options)
    return Checkpoint(
        source=source,
        path=folder,
        family=fitted(family, folder, few, options),
        class_name=index.class_name,
        parts=tuple(parts),
        card=card,
        channels=read_config(folder, "unet").get("in_channels"),
        custom_code=index.custom_code,
        few_steps=few > 0,
        missing=tuple(missing),
    )


def _add_prior(parts: list[Part], card: Card, options: Options) -> list[str]:
    """Add the parts of the checkpoint that makes the decoder's input; return what is missing."""
    if not card.connected:
        return ["prior: README.md names none"]
    source = read_source(card.connected[0])
    folder = config_folder(source)
    if folder is None:
        return [f"prior: {source}"]
    index = read_index(folder, options.variant)
    parts += index.parts
    return list(index.missing)


def _read_file(source: Source, path: Path, options: Options) -> Checkpoint:
    if path.suffix.lower() in _PICKLES:
        return _read_pickle(source, path, options)
    if path.suffix.lower() != ".safetensors":
        raise EngineUnusable(f"{path.name} is neither a folder nor a .safetensors file")
    header = read_header(path)
    kind = recognise(header, path.name)
    given = read_source(options.config or kind.config)
    config = config_folder(given)
    lacks = tuple(part for part in kind.lacks if config is None or not holds(config, part))
    family = FAMILIES[kind.family]
    check_config(config, given, family, path.name)
    few = few_steps(family, config, called(source, options), options)
    if kind.side is not None and options.side is None:
        options = replace(options, side=kind.side)
    weights = Weights(files=(path,), parameters=header.parameters, bytes=path.stat().st_size)
    return Checkpoint(
        source=source,
        path=path,
        family=fitted(family, config, few, options),
        class_name=family.pipeline,
        parts=(Part(name="checkpoint", class_name=family.pipeline, weights=weights),),
        card=read_card(path.parent),
        channels=kind.channels,
        config=config,
        config_source=given,
        lacks=lacks,
        few_steps=few > 0,
        missing=missing_of_file(config, given, lacks),
    )


def _read_pickle(source: Source, path: Path, options: Options) -> Checkpoint:
    """A .ckpt file: nothing is known of it but what the options say."""
    if not options.pickle or not options.config:
        raise EngineUnusable(
            f"{path.name} is a pickle, which can run any code when it is loaded; convert it to "
            ".safetensors, or if you trust it say ?pickle=1&config=FOLDER_OR_ID it goes with"
        )
    given = read_source(options.config)
    config = config_folder(given)
    if config is None:
        raise CheckpointMissing(
            f"{path.name} needs the configuration of {given}; "
            f"overpaint checkpoints fetch {given} --no-weights"
        )
    family = inpainting_family(read_index(config, weights=False), source.name)
    few = few_steps(family, config, called(source, options), options)
    weights = Weights(files=(path,), bytes=path.stat().st_size, pickled=True)
    return Checkpoint(
        source=source,
        path=path,
        family=fitted(family, config, few, options),
        class_name=family.pipeline,
        parts=(Part(name="checkpoint", class_name=family.pipeline, weights=weights),),
        card=read_card(path.parent),
        config=config,
        config_source=given,
        few_steps=few > 0,
    )
