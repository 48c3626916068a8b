"""What a page asks before it orders: the models, the concepts, whose key it is. An extension."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from overpaint import options
from overpaint.concepts.palette import MOST_COLORS
from overpaint.imaging.source import MAX_BYTES, PICTURE_LIMITS
from overpaint.server import schemas_extensions as schemas
from overpaint.server.dashscope import PREFIX
from overpaint.server.deps import BEARER, CurrentKey, CurrentService, RequestId
from overpaint.server.errors import declared
from overpaint.service.catalog import MAX_CONCEPTS, MAX_WORD, Model
from overpaint.values import STYLES

router = APIRouter(prefix=PREFIX, tags=["lookups"], dependencies=[Depends(BEARER)])

LIMITS: dict[str, Any] = {
    "min_side": PICTURE_LIMITS.smallest,
    "max_side": PICTURE_LIMITS.largest,
    "max_bytes": MAX_BYTES,
    "max_n": options.MAX_N,
    "max_prompt": options.MAX_PROMPT,
    "max_palette": MOST_COLORS,
    "max_feather": options.MAX_FEATHER,
    "guidance": list(options.GUIDANCE_LIMITS),
    "steps": list(options.STEPS_LIMITS),
}
_AUTO = "paints what the prompt names, and takes away where it says so"
_BROKEN = "cannot be loaded; the server's log and `overpaint doctor` say why"


@router.get(
    "/models",
    summary="What paints, and what it takes",
    response_model=schemas.Models,
    responses=declared(401, 403),
)
@router.get("/models/", include_in_schema=False)
async def list_models(
    service: CurrentService, request_id: RequestId, _: CurrentKey
) -> JSONResponse:
    """All rows of the server's table of models, with the limits and styles of every order."""
    models = await run_in_threadpool(service.catalog.models)
    return JSONResponse(
        {
            "request_id": request_id,
            "data": [_model(model) for model in models],
            "limits": LIMITS,
            "styles": list(STYLES),
        }
    )


def _model(model: Model) -> dict[str, Any]:
    info = model.info
    summary = _BROKEN if info is None else info.summary
    return {
        "name": model.name,
        "engine": model.engine,
        "summary": _AUTO if info is not None and model.engine == "auto" else summary,
        "takes": {
            "prompt": info is not None and info.needs_prompt,
            "style": info is not None and info.takes_style,
            "reference": info is not None and info.takes_reference,
            "sketch": info is not None and info.takes_sketch,
            "palette": info is not None and info.takes_palette,
            "strength": info is not None and info.takes_strength,
            "guidance": info is not None and info.takes_guidance,
            "negative_prompt": info is not None and info.takes_negative,
            "steps": info is not None and info.takes_steps,
        },
        "languages": [] if info is None else list(info.languages),
        "licence": "" if info is None else info.licence,
    }


@router.get(
    "/concepts",
    summary="Concepts that prompts can name",
    response_model=schemas.Concepts,
    responses=declared(400, 401, 403),
)
@router.get("/concepts/", include_in_schema=False)
async def find_concepts(
    service: CurrentService,
    request_id: RequestId,
    _: CurrentKey,
    q: Annotated[
        str, Query(max_length=MAX_WORD, description="a word or its beginning, Chinese or English")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_CONCEPTS)] = 8,
) -> JSONResponse:
    """Best first, for suggestions while somebody types; the operator's own concepts too."""
    found = await run_in_threadpool(service.catalog.concepts, q, limit=limit)
    data = [{"id": one.id, "en": one.name_en, "zh": one.name_zh} for one in found]
    return JSONResponse({"request_id": request_id, "data": data})


@router.get(
    "/account",
    summary="Whose key it is, and what is used of it",
    response_model=schemas.Account,
    responses=declared(401, 403),
)
@router.get("/account/", include_in_schema=False)
async def get_account(key: CurrentKey, request_id: RequestId) -> JSONResponse:
    """Only pictures that succeeded are used."""
    data = {
        "name": key.name,
        "hint": key.hint,
        "plan": key.plan.name,
        "used": key.used,
        "images": key.plan.images,
    }
    return JSONResponse({"request_id": request_id, "data": data})
