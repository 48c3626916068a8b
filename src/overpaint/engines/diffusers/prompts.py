"""Prompts as the numbers a pipeline takes, each text encoded alone and remembered.

A text encoded alone gives what the library's own call makes of it in a batch (to rounding, and to
the bit whatever company it has), so entries of different callers can be stacked into one batch.
With the encoders' work remembered they may as well live in main memory.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch

#: What a pipeline takes for one text: tensors of one row by the name of its argument, in main
#: memory; for Z-Image, which takes lists, of rows that have lengths of their own.
Entry: TypeAlias = Mapping[str, torch.Tensor]

_NEGATIVE = "negative_"
#: Kinds whose only encoder is CLIP: it reads 77 tokens, and the library cuts the rest off unsaid.
_SHORT = ("clip", "sdxl")


def unread(pipe: Any, embed: str) -> Callable[[str], str] | None:
    """What tells the end of a text that a pipeline's encoder does not get to read.

    Returns:
        A function for any number of threads; "" is said of a text that is read to its end. None
        where the encoder reads about as much as a prompt may be long, or nothing can be told.
    """
    if embed not in _SHORT or not pipe.tokenizer.is_fast:
        return None
    # A copy, one at a time: a tokenizer that two threads ask at once fails, in either of them.
    tokenizer, alone = copy.deepcopy(pipe.tokenizer), threading.Lock()
    last = tokenizer.model_max_length - 1  # where the end mark comes

    def end(text: str) -> str:
        with alone:
            places = tokenizer(text, return_offsets_mapping=True, verbose=False).offset_mapping
        return text[places[last][0] :].strip() if len(places) > last + 1 else ""

    return end


class PromptCache:
    """The last texts that were encoded, by what they say.

    Args:
        pipe: the pipeline whose `encode_prompt` is called.
        embed: the kind of its embeddings: a key of `_ENCODERS`, or "none" for a pipeline that
            is given its texts as they are.
        device: where embeddings are stacked to.
        entries: how many are remembered; 0 remembers nothing.
    """

    def __init__(self, pipe: Any, embed: str, device: torch.device, entries: int) -> None:
        self._pipe = pipe
        self._embed = embed
        self._device = device
        self._most = entries
        self._known: OrderedDict[str, Entry] = OrderedDict()
        self.encoded = 0  # how often an encoder had to work

    def arguments(self, prompts: Sequence[str], negatives: Sequence[str] | None) -> dict[str, Any]:
        """What a call of the pipeline is given for these texts.

        Args:
            prompts: one a row.
            negatives: likewise; None where the call is not guided away from anything.
        """
        if self._embed == "none":
            texts: dict[str, Any] = {"prompt": list(prompts)}  # a copy: Z-Image writes into it
            return texts if negatives is None else {**texts, "negative_prompt": list(negatives)}
        given = self._stacked([self._entry(text) for text in prompts])
        if negatives is not None:
            against = [self._negative(text) for text in negatives]
            given |= {_NEGATIVE + name: rows for name, rows in self._stacked(against).items()}
        return given

    def forget(self) -> None:
        """Drop every entry."""
        self._known.clear()

    def _entry(self, text: str) -> Entry:
        entry = self._known.get(text)
        if entry is None:
            with torch.no_grad():
                rows = _ENCODERS[self._embed](self._pipe, text, self._device)
            entry = {name: row.cpu() for name, row in rows.items()}
            self.encoded += 1
        self._known[text] = entry
        self._known.move_to_end(text)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return entry

    def _negative(self, text: str) -> Entry:
        entry = self._entry(text)
        if not text and self._pipe.config.get("force_zeros_for_empty_prompt"):  # SDXL's own
            return {name: torch.zeros_like(row) for name, row in entry.items()}
        return entry

    def _stacked(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Rows of all entries, one above the other, on the device."""
        stacked: dict[str, Any] = {}
        for name in entries[0]:
            rows = [entry[name].to(self._device) for entry in entries]
            if self._embed == "zimage":
                stacked[name] = rows  # length x channels each
            elif self._embed == "qwen":
                stacked |= _padded(name, rows)
            else:
                stacked[name] = torch.cat(rows)  # rows x length x channels, or x channels
        return stacked


def _padded(name: str, rows: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring rows of 1 x length x channels to the longest length, with a mask of what is text."""
    longest = max(row.shape[1] for row in rows)
    padded = [torch.nn.functional.pad(row, (0, 0, 0, longest - row.shape[1])) for row in rows]
    at = torch.arange(longest, device=rows[0].device)
    mask = torch.stack([(at < row.shape[1]).long() for row in rows])
    return {name: torch.cat(padded), f"{name}_mask": mask}


def _clip(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    embeds, _ = pipe.encode_prompt(text, device, 1, do_classifier_free_guidance=False)
    return {"prompt_embeds": embeds}


def _pooled(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    """SDXL and SD3: a sequence, and one vector for the whole text."""
    more = {} if hasattr(pipe, "unet") else {"prompt_2": None, "prompt_3": None}
    embeds, _, pooled, _ = pipe.encode_prompt(
        prompt=text, device=device, do_classifier_free_guidance=False, **more
    )
    return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled}


def _flux(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    embeds, pooled, _ = pipe.encode_prompt(prompt=text, prompt_2=None, device=device)
    return {"prompt_embeds": embeds, "pooled_prompt_embeds": pooled}


def _qwen(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    """Its mask is made when rows are stacked; 512 tokens is what its call takes at most."""
    embeds, _ = pipe.encode_prompt(prompt=text, device=device, max_sequence_length=512)
    return {"prompt_embeds": embeds}


def _zimage(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    (embeds,), _ = pipe.encode_prompt([text], device=device, do_classifier_free_guidance=False)
    return {"prompt_embeds": embeds}


def _chroma(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    embeds, _, mask, *_ = pipe.encode_prompt(text, device=device, do_classifier_free_guidance=False)
    return {"prompt_embeds": embeds, "prompt_attention_mask": mask}


def _klein(pipe: Any, text: str, device: torch.device) -> dict[str, Any]:
    embeds, _ = pipe.encode_prompt(text, device=device)
    return {"prompt_embeds": embeds}


_ENCODERS: Mapping[str, Callable[[Any, str, torch.device], dict[str, Any]]] = {
    "clip": _clip,
    "sdxl": _pooled,
    "sd3": _pooled,
    "flux": _flux,
    "qwen": _qwen,
    "zimage": _zimage,
    "chroma": _chroma,
    "klein": _klein,
}
