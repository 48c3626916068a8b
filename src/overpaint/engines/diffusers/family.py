"""What the families of checkpoints are, and how they differ; data only.

Source: the signatures and bodies of the pipelines of diffusers 0.42, and the model cards for the
steps and the guidance that each was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What a family's guidance number means.
#:   cfg        classifier-free guidance: uncond + g (cond - uncond); 1 is off
#:   true_cfg   the same under the library's argument `true_cfg_scale`; needs a negative prompt
#:   distilled  an input of the network; one forward pass a step whatever it is
#:   offset     cond + g (cond - uncond), so g is one less than in cfg; 0 is off
#:   none       made to be sampled without guidance
Guidance = Literal["cfg", "true_cfg", "distilled", "offset", "none"]

#: How prompts are encoded before the pipeline is called, and stacked; "none": the pipeline does it.
Embedding = Literal[
    "clip", "sdxl", "sd3", "flux", "qwen", "zimage", "chroma", "klein", "kandinsky", "none"
]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of checkpoint: what inpaints with it and what may be asked of that."""

    name: str
    title: str  # for a person
    pipeline: str  # the class that inpaints, of `module`
    module: str = "diffusers"
    also: tuple[str, ...] = ()  # classes in model_index.json that this one can load
    network: Literal["unet", "transformer"] = "transformer"  # the part that denoises
    side: int = 1024  # side of the square it was trained on, px, with an autoencoder of 1/8
    multiple: int = 16  # what height and width must be a multiple of, px, likewise
    sized_by_network: bool = False  # its network's `sample_size` says the side, in latents
    steps: int = 50
    guidance: float  # on the family's own scale
    guidance_kind: Guidance
    strength: float = 1.0  # the library's `strength` when nothing under the mask is kept
    takes_strength: bool = True
    takes_negative: bool = True
    negative_scale: float = 0.0  # distilled: `true_cfg_scale` where a negative prompt is said
    unguided: float = 1.0  # the guidance that is none, on the family's own scale
    blank_negative: str = ""  # what stands for no negative prompt
    takes_reference: bool = False  # as `image_reference`
    languages: tuple[str, ...] = ("en",)
    embedding: Embedding
    batches: bool = True  # different pictures, masks and prompts in one call of the pipeline
    single_file: bool = False  # can be loaded from one .safetensors file
    few_steps: int = 4  # steps of its distilled checkpoints (turbo, lightning, schnell, ...)


_ALL = (
    Family(
        name="sd",
        title="Stable Diffusion 1 and 2",
        pipeline="StableDiffusionInpaintPipeline",
        also=(
            "StableDiffusionPipeline",
            "StableDiffusionImg2ImgPipeline",
            "StableDiffusionPAGPipeline",
            "StableDiffusionPAGInpaintPipeline",
            "LatentConsistencyModelPipeline",
        ),
        network="unet",
        sized_by_network=True,
        side=512,
        multiple=8,
        steps=30,
        guidance=7.5,
        guidance_kind="cfg",
        embedding="clip",
        single_file=True,
    ),
    Family(
        name="sdxl",
        title="Stable Diffusion XL",
        pipeline="StableDiffusionXLInpaintPipeline",
        also=(
            "StableDiffusionXLPipeline",
            "StableDiffusionXLImg2ImgPipeline",
            "StableDiffusionXLPAGPipeline",
            "StableDiffusionXLPAGInpaintPipeline",
        ),
        network="unet",
        sized_by_network=True,
        multiple=8,
        steps=30,
        guidance=7.5,
        guidance_kind="cfg",
        strength=0.9999,  # 1 would start from noise without a trace of the picture's colours
        embedding="sdxl",
        single_file=True,
    ),
    Family(
        name="sd3",
        title="Stable Diffusion 3 and 3.5",
        pipeline="StableDiffusion3InpaintPipeline",
        also=(
            "StableDiffusion3Pipeline",
            "StableDiffusion3Img2ImgPipeline",
            "StableDiffusion3PAGPipeline",
        ),
        sized_by_network=True,
        steps=28,
        guidance=7.0,
        guidance_kind="cfg",
        embedding="sd3",
        single_file=True,
    ),
    Family(
        name="flux-fill",
        title="FLUX.1 Fill",
        pipeline="FluxFillPipeline",
        guidance=30.0,
        guidance_kind="distilled",
        takes_negative=False,
        embedding="flux",
        single_file=True,
    ),
    Family(
        name="flux",
        title="FLUX.1",
        pipeline="FluxInpaintPipeline",
        also=("FluxPipeline", "FluxImg2ImgPipeline"),
        steps=28,
        guidance=7.0,
        guidance_kind="distilled",
        negative_scale=4.0,
        embedding="flux",
    ),
    Family(
        name="flux-kontext",
        title="FLUX.1 Kontext",
        pipeline="FluxKontextInpaintPipeline",
        also=("FluxKontextPipeline",),
        steps=28,
        guidance=3.5,
        guidance_kind="distilled",
        negative_scale=4.0,
        takes_reference=True,
        embedding="flux",
        single_file=True,
    ),
    Family(
        name="flux2-klein",
        title="FLUX.2 Klein",
        pipeline="Flux2KleinInpaintPipeline",
        also=("Flux2KleinPipeline",),
        guidance=8.0,
        guidance_kind="cfg",
        takes_reference=True,
        languages=("zh", "en"),
        embedding="klein",
    ),
    Family(
        name="qwen-image",
        title="Qwen-Image",
        pipeline="QwenImageInpaintPipeline",
        also=("QwenImagePipeline", "QwenImageImg2ImgPipeline"),
        guidance=4.0,
        guidance_kind="true_cfg",
        blank_negative=" ",
        languages=("zh", "en"),
        embedding="qwen",
        few_steps=8,
    ),
    Family(
        name="qwen-image-edit",
        title="Qwen-Image-Edit",
        pipeline="QwenImageEditInpaintPipeline",
        also=("QwenImageEditPipeline",),
        guidance=4.0,
        guidance_kind="true_cfg",
        blank_negative=" ",
        languages=("zh", "en"),
        embedding="none",
        batches=False,  # it takes its size from the first picture
        few_steps=8,
    ),
    Family(
        name="z-image",
        title="Z-Image",
        pipeline="ZImageInpaintPipeline",
        also=("ZImagePipeline", "ZImageImg2ImgPipeline"),
        guidance=5.0,
        guidance_kind="offset",
        unguided=0.0,
        languages=("zh", "en"),
        embedding="zimage",
        single_file=True,
        few_steps=8,
    ),
    Family(
        name="kandinsky",
        title="Kandinsky 2.2",
        pipeline="KandinskyV22InpaintCombinedPipeline",
        also=("KandinskyV22InpaintPipeline",),
        network="unet",
        sized_by_network=True,
        side=512,
        multiple=64,
        guidance=4.0,
        guidance_kind="cfg",
        takes_strength=False,
        embedding="kandinsky",
    ),
    Family(
        name="chroma",
        title="Chroma",
        pipeline="ChromaInpaintPipeline",
        also=("ChromaPipeline", "ChromaImg2ImgPipeline"),
        steps=40,
        guidance=7.0,
        guidance_kind="cfg",
        embedding="chroma",
        single_file=True,
    ),
)

#: Every family by its name.
FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}

_BY_CLASS = {name: family for family in _ALL for name in (family.pipeline, *family.also)}


def family_of(class_name: str) -> Family | None:
    """The family of a pipeline class as model_index.json names it; None where none inpaints.

    A class that inpaints and is not in the table is a family of its own: it is called picture by
    picture, and encodes its prompts itself. One with a ControlNet needs a control picture too,
    which nobody here has.
    """
    family = _BY_CLASS.get(class_name)
    if family is not None or "Inpaint" not in class_name or "Control" in class_name:
        return family
    return other_family(class_name)


def other_family(class_name: str) -> Family:
    """The family of a class that nothing is known of but that it takes a picture and a mask."""
    return Family(
        name="other",
        title=class_name,
        pipeline=class_name,
        guidance=7.5,
        guidance_kind="cfg",
        side=512,
        multiple=64,
        embedding="none",
        batches=False,
    )
