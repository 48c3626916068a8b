"""The picture encoder of a pipeline: asked once a picture, and mended where float16 is too small.

Every pipeline encodes its pictures with `vae.encode` by itself. Here stands in front of it what
remembers the moments that came of each picture, not a sample of them: each row still draws its own
sample with its own generator, so nothing changes but the time it takes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

#: How many pictures are remembered; the moments of 1024 x 1024 px are half a megabyte or more.
ENTRIES = 32
#: From how many pictures the colours of latents are learned, and from how many points in all.
PAIRS, POINTS = 8, 4096


@dataclass(frozen=True, kw_only=True)
class _Known:
    moments: torch.Tensor  # 1 x 2 latent channels (mean, log variance) x (frames x) h x w
    mean: torch.Tensor  # latent channels x h x w, float32
    small: torch.Tensor  # 3 x h x w, the picture at the latents' size, -1 to 1, float32


class PictureCoder:
    """Stands in front of a picture encoder and decoder.

    Args:
        coder: an autoencoder of diffusers; its `encode` and `decode` are replaced.
    """

    def __init__(self, coder: Any) -> None:
        self._coder = coder
        self._plain_encode, self._plain_decode = coder.encode, coder.decode
        self._own = {name: vars(coder).get(name) for name in ("encode", "decode")}
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._wrap: Callable[[torch.Tensor], Any] = torch.Tensor
        self.asked = 0  # rows
        self.encoded = 0  # rows that the encoder had to work for
        self.upcast = False  # whether float16 overflowed, and it works in float32 since
        coder.encode, coder.decode = self.encode, self.decode

    def release(self) -> None:
        """Give the coder its own methods back, and forget every picture."""
        for name, own in self._own.items():
            if own is None:
                delattr(self._coder, name)
            else:
                setattr(self._coder, name, own)
        self.forget()

    def forget(self) -> None:
        """Forget every picture."""
        self._known.clear()

    def encode(self, pictures: torch.Tensor, return_dict: bool = True) -> Any:
        """What the encoder gives for rows x 3 x (frames x) height x width, -1 to 1.

        Each row is encoded alone, so what comes of it does not depend on its company.
        """
        moments = torch.cat([self._moments(picture) for picture in _each(pictures)])
        while len(self._known) > ENTRIES:
            self._known.popitem(last=False)
        output = self._wrap(moments)
        return output if return_dict else output.to_tuple()

    def decode(self, latents: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """What the decoder gives; in float32 from where float16 overflows on."""
        return self._finite(self._plain_decode, latents, *args, **kwargs)

    def colours(self) -> torch.Tensor | None:
        """The linear map from latents to RGB, -1 to 1, that fits the last pictures best.

        Returns:
            (latent channels + 1) x 3, float32, in main memory; the last row is added to each. None
            where no picture was encoded.
        """
        last = list(self._known.values())[-PAIRS:]
        if not last:
            return None
        step = max(1, sum(one.small[0].numel() for one in last) // POINTS)
        latents = torch.cat([one.mean.flatten(1) for one in last], 1)[:, ::step].T.cpu()
        colours = torch.cat([one.small.flatten(1) for one in last], 1)[:, ::step].T.cpu()
        rows = torch.cat([latents, torch.ones(len(latents), 1)], 1)  # points x (channels + 1)
        ridge = 1e-3 * len(rows) * torch.eye(rows.shape[1])  # a flat picture fits many maps
        ridge[-1] = 0
        return torch.as_tensor(torch.linalg.solve(rows.T @ rows + ridge, rows.T @ colours))

    def _moments(self, picture: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        data = picture.contiguous().cpu().view(torch.uint8).numpy().data
        named = f"{picture.dtype} {tuple(picture.shape)}".encode()
        key = hashlib.sha256(data).digest() + named  # processors have it built in: a GPU waits here
        if key not in self._known:
            self.encoded += 1
            output = self._finite(self._plain_encode, picture)
            moments, mean, self._wrap = _opened(output)
            self._known[key] = _Known(
                moments=moments.to(picture.dtype),
                mean=_flat(mean)[0].float(),
                small=_small(_flat(picture), mean.shape[-2:]),
            )
        self._known.move_to_end(key)
        return self._known[key].moments

    def _finite(self, plain: Callable[..., Any], rows: torch.Tensor, *args: Any, **kw: Any) -> Any:
        output = plain(rows.float() if self.upcast else rows, *args, **kw)
        if self.upcast or rows.dtype != torch.float16 or not bool(rows.isfinite().all()):
            return output
        if bool(_numbers(output).isfinite().all()):
            return output
        self.upcast = True
        self._coder.to(torch.float32)
        return plain(rows.float(), *args, **kw)


def _opened(output: Any) -> tuple[torch.Tensor, torch.Tensor, Callable[[torch.Tensor], Any]]:
    """An encoder's numbers, which of them are the latents, and what makes an output of such."""
    kind = type(output)
    spread = getattr(output, "latent_dist", None)
    if spread is None:  # a VQModel
        return output.latents, output.latents, lambda rows: kind(latents=rows)
    distribution = type(spread)
    return (
        spread.parameters,
        spread.mean,
        lambda rows: kind(latent_dist=distribution(rows)),
    )


def _numbers(output: Any) -> torch.Tensor:
    """What an encoder's or decoder's output holds."""
    if isinstance(output, tuple):
        return torch.as_tensor(output[0])
    decoded = getattr(output, "sample", None)
    return _opened(output)[0] if decoded is None else torch.as_tensor(decoded)


def _each(rows: torch.Tensor) -> list[torch.Tensor]:
    return [rows[i : i + 1] for i in range(len(rows))]


def _flat(rows: torch.Tensor) -> torch.Tensor:
    """The first frame of rows x channels x (frames x) height x width."""
    return rows[:, :, 0] if rows.ndim == 5 else rows


def _small(picture: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return torch.nn.functional.interpolate(picture.float(), tuple(size), mode="area")[0]
