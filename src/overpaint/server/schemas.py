"""What bodies look like, for the description at /docs. `orders` and `answers` do the work."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from overpaint import options
from overpaint.server.orders import DEFAULT_SIZE, EDIT_FUNCTION, EDIT_MODEL, MAX_COLORS
from overpaint.values import STYLES

_URL = "http, https, data: or, after an upload, oss://"
_STYLES = [*(f"<{style}>" for style in STYLES), *STYLES]


class OrderInput(BaseModel):
    """What is painted, and where."""

    model_config = ConfigDict(extra="allow")

    prompt: str = Field(
        min_length=1,
        examples=["a dog wearing red glasses"],
        description=f"Chinese or English; cut after {options.MAX_PROMPT} characters",
    )
    base_image_url: str = Field(min_length=1, description=f"the picture: {_URL}")
    mask_image_url: str = Field(
        min_length=1, description=f"of the same resolution; white repaints: {_URL}"
    )
    function: str | None = Field(None, description=f"{EDIT_MODEL} needs {EDIT_FUNCTION}")
    negative_prompt: str | None = Field(None, description="what not to paint")
    reference_image_url: str | None = Field(
        None, description=f"a picture of what to put in: {_URL}"
    )
    ref_img: Any = Field(None, description="the same, passed over where it is no such picture")
    sketch_image_url: str | None = Field(None, description=f"lines to follow: {_URL}")


class OrderParameters(BaseModel):
    """How it is painted. Names that are not known are passed over."""

    model_config = ConfigDict(extra="allow")

    size: str | None = Field(
        None,
        examples=[DEFAULT_SIZE],
        description=f"WIDTH*HEIGHT, or original; default {DEFAULT_SIZE} ({EDIT_MODEL}: original)",
    )
    n: int | None = Field(None, ge=1, le=options.MAX_N, description="pictures; default 1")
    seed: int | None = Field(None, ge=0, le=options.MAX_SEED, description="drawn where absent")
    style: str | None = Field(None, json_schema_extra={"enum": [*_STYLES, None]})
    negative_prompt: str | None = None
    mask_color: list[list[int]] | None = Field(
        None, max_length=MAX_COLORS, description="[[r, g, b], ...]: these repaint, not white"
    )
    strength: float | None = Field(
        None, ge=0, le=1, description="how much is kept of what is there"
    )
    guidance: float | None = Field(
        None,
        ge=options.GUIDANCE_LIMITS[0],
        le=options.GUIDANCE_LIMITS[1],
        description="how strongly the wish is pressed",
    )
    steps: int | None = Field(
        None,
        ge=options.STEPS_LIMITS[0],
        le=options.STEPS_LIMITS[1],
        description="of sampling; default: as many as the engine finds best",
    )
    palette: str | list[Any] | None = Field(None, description='colours: "red,#ffcc00", or a list')
    grow: int | None = Field(None, ge=-options.MAX_GROW, le=options.MAX_GROW, description="px")
    feather: float | None = Field(None, ge=0, le=options.MAX_FEATHER, description="px, inward")
    invert_mask: bool | None = None
    soft_mask: bool | None = Field(None, description="the mask's levels are opacities")
    watermark: bool | None = None
    output_format: Literal["png", "jpeg", "jpg", "webp"] | None = None


class OrderBody(BaseModel):
    """An order for one task."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, examples=["wanx-x-painting"])
    input: OrderInput
    parameters: OrderParameters | None = None


class Status(BaseModel):
    """What is said of a new task."""

    task_id: str
    task_status: Literal["PENDING"]


class Created(BaseModel):
    """The order was taken."""

    request_id: str
    output: Status


class Metrics(BaseModel):
    """How many pictures."""

    TOTAL: int
    SUCCEEDED: int
    FAILED: int


class Output(BaseModel):
    """Where a task stands. Times are YYYY-MM-DD HH:MM:SS.mmm."""

    task_id: str
    task_status: Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"]
    submit_time: str | None = None
    scheduled_time: str | None = None
    end_time: str | None = None
    results: list[dict[str, str]] | None = Field(
        None, description="one a picture: url and seed, or code and message"
    )
    task_metrics: Metrics | None = None
    notes: list[str] | None = Field(None, description="what the caller should know")
    code: str | None = Field(None, description="why it failed")
    message: str | None = Field(None, description="the same in words")


class Usage(BaseModel):
    """What it cost."""

    image_count: int = Field(description="pictures that succeeded")


class Answer(BaseModel):
    """Where a task stands."""

    request_id: str
    output: Output
    usage: Usage | None = None


class Done(BaseModel):
    """It was done."""

    request_id: str


class Row(BaseModel):
    """One task of a listing. Times are milliseconds since 1970."""

    task_id: str
    status: str
    model_name: str
    region: str
    request_id: str
    api_key_id: str
    caller_uid: str
    caller_parent_id: str
    user_api_unique_key: str
    gmt_create: int
    start_time: int | None = None
    end_time: int | None = None


class Page(BaseModel):
    """One page of tasks, newest first."""

    request_id: str
    data: list[Row]
    total: int
    total_page: int
    page_no: int
    page_size: int


class PolicyData(BaseModel):
    """What is sent along with files."""

    policy: str
    signature: str
    upload_dir: str
    upload_host: str
    oss_access_key_id: str
    x_oss_object_acl: str
    x_oss_forbid_overwrite: str
    expire_in_seconds: int
    max_file_size_mb: int
    capacity_limit_mb: int


class PolicyAnswer(BaseModel):
    """A policy to upload files with."""

    request_id: str
    data: PolicyData


def body_of(model: type[BaseModel], media_type: str = "application/json") -> dict[str, Any]:
    """A route's `openapi_extra` for a body that the route reads itself."""
    return {"requestBody": {"required": True, "content": {media_type: {"schema": inlined(model)}}}}


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema that refers to nothing outside of it."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    whole: dict[str, Any] = _inlined(schema, definitions)
    return whole


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """The schema with each reference replaced by what it refers to."""
    if isinstance(part, list):
        return [_inlined(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in part.items()}
