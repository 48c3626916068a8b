"""What the answers of the extensions look like, for the description at /docs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from overpaint.server.schemas import Output, inlined


class Takes(BaseModel):
    """What an engine makes something of; the rest it passes over with a note."""

    prompt: bool
    style: bool
    reference: bool
    sketch: bool
    palette: bool
    strength: bool
    guidance: bool
    negative_prompt: bool
    steps: bool


class ModelRow(BaseModel):
    """One row of the server's table of models."""

    name: str = Field(examples=["wanx-x-painting"], description="what an order gives as model")
    engine: str = Field(examples=["auto"])
    summary: str
    takes: Takes
    languages: list[str] = Field(examples=[["zh", "en"]], description="that it reads prompts in")
    licence: str = Field(description="of its weights, with its address; empty: Overpaint's own")


class Limits(BaseModel):
    """What every order has to keep to."""

    min_side: int = Field(description="of base and mask, px")
    max_side: int
    max_bytes: int = Field(description="of each picture's file")
    max_n: int
    max_prompt: int = Field(description="characters; what is longer is cut")
    max_palette: int = Field(description="colours")
    max_feather: float = Field(description="px")
    guidance: list[float] = Field(description="least and most")
    steps: list[int] = Field(description="least and most")


class Models(BaseModel):
    """What paints, and what it takes."""

    request_id: str
    data: list[ModelRow]
    limits: Limits
    styles: list[str]


class ConceptRow(BaseModel):
    """Something that prompts can name."""

    id: str
    en: str = Field(description="its name in English")
    zh: str = Field(description="and in Chinese")


class Concepts(BaseModel):
    """Concepts, best first."""

    request_id: str
    data: list[ConceptRow]


class AccountData(BaseModel):
    """A key, without its secret."""

    name: str
    hint: str = Field(examples=["sk-ab…yz"], description="the secret's first and last characters")
    plan: str = Field(examples=["unlimited"])
    used: int = Field(description="pictures that succeeded")
    images: int | None = Field(description="pictures that the plan has in all; null: any number")


class Account(BaseModel):
    """Whose key it is."""

    request_id: str
    data: AccountData


class Progress(BaseModel):
    """How far the work is."""

    stage: str = Field(examples=["paint"])
    done: int
    total: int


class TaskEvent(Output):
    """Where a task stands, and for one that has not ended how far it is."""

    position: int | None = Field(None, ge=0, description="while it waits: tasks taken before it")
    progress: Progress | None = Field(None, description="while it is painted")


class BoxOfResult(BaseModel):
    """A part of the result, px."""

    x: int
    y: int
    width: int
    height: int


class PreviewEvent(BaseModel):
    """How a task that is painted looks."""

    task_id: str
    url: str = Field(pattern="^data:image/jpeg;base64,", description="at most 256 px a side")
    box: BoxOfResult


class EndEvent(BaseModel):
    """All tasks have ended."""


def described_events(**events: type[BaseModel]) -> dict[str, Any]:
    """The content of a stream in the words of OpenAPI 3.2, by the events' names."""
    kinds = [
        {
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {"const": name},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": inlined(model),
                },
            },
        }
        for name, model in events.items()
    ]
    return {"text/event-stream": {"itemSchema": {"oneOf": kinds}}}
