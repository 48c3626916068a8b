"""What the answers of the extensions look like, for the description at /docs."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Takes(BaseModel):
    """What an engine makes something of; the rest it passes over with a note."""

    prompt: bool
    style: bool
    reference: bool
    sketch: bool
    palette: bool
    strength: bool
    guidance: bool


class ModelRow(BaseModel):
    """One row of the server's table of models."""

    name: str = Field(examples=["wanx-x-painting"], description="what an order gives as model")
    engine: str = Field(examples=["auto"])
    summary: str
    takes: Takes


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
