"""Files sent ahead of their task, as DashScope's SDKs do it: a policy, then a form a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from overpaint.errors import FileTooLarge, InvalidOption
from overpaint.imaging.source import MAX_BYTES
from overpaint.server import schemas
from overpaint.server.dashscope import PREFIX
from overpaint.server.deps import BEARER, CurrentKey, CurrentService, RequestId, base_url
from overpaint.server.errors import Declined, declared
from overpaint.server.forms import check_charset
from overpaint.server.turns import BlobThreads
from overpaint.service import Service

#: What a form may have beside its file, bytes.
FORM_BYTES = 64 * 1024
MAX_FIELDS = 40
SPOOLED_BYTES = 256 * 1024  # of a file that is being sent are kept in memory

router = APIRouter(prefix=PREFIX, tags=["uploads"])

_FORM = {
    "type": "object",
    "required": ["OSSAccessKeyId", "Signature", "policy", "key", "file"],
    "properties": {
        "OSSAccessKeyId": {"type": "string"},
        "Signature": {"type": "string"},
        "policy": {"type": "string"},
        "key": {"type": "string", "description": "{upload_dir}/{file name}"},
        "x-oss-object-acl": {"type": "string"},
        "x-oss-forbid-overwrite": {"type": "string"},
        "success_action_status": {"type": "string"},
        "x-oss-content-type": {"type": "string"},
        "file": {"type": "string", "format": "binary"},
    },
}


@router.get(
    "/uploads",
    summary="Ask for a policy to upload files with",
    response_model=schemas.PolicyAnswer,
    responses=declared(400, 401, 403),
    dependencies=[Depends(BEARER)],
)
@router.get("/uploads/", include_in_schema=False)
async def get_policy(
    request: Request,
    service: CurrentService,
    request_id: RequestId,
    key: CurrentKey,
    action: Annotated[str, Query(description="getPolicy")] = "",
    model: Annotated[str, Query(description="the model that the files are for")] = "",
) -> JSONResponse:
    """One policy serves several files; `oss://{key}` then stands for a file in an order."""
    if action != "getPolicy":
        raise InvalidOption("action", "must be getPolicy", repr(action[:40]))
    if not model:
        raise InvalidOption("model", "must be the model that the files are for")
    service.engine_of(model)
    policy = service.uploads.policy(key)
    data = {
        "policy": policy.policy,
        "signature": policy.signature,
        "upload_dir": policy.upload_dir,
        "upload_host": f"{base_url(request)}{PREFIX}/uploads/files",
        "oss_access_key_id": policy.access_key_id,
        "x_oss_object_acl": policy.object_acl,
        "x_oss_forbid_overwrite": policy.forbid_overwrite,
        "expire_in_seconds": policy.expires_in_s,
        "max_file_size_mb": policy.max_file_mb,
        "capacity_limit_mb": policy.capacity_mb,
    }
    return JSONResponse({"request_id": request_id, "data": data})


@router.post(
    "/uploads/files",
    summary="Upload a file",
    response_class=Response,
    responses={
        200: {"description": "It is stored."},
        **declared(400, 403, 408, 409, 413),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": _FORM}},
        }
    },
)
@router.post("/uploads/files/", include_in_schema=False)
async def receive_file(request: Request, service: CurrentService) -> Response:
    """Needs no key: the policy's signature says whose the file is, and for how long it may come."""
    fields, data = await _read_form(request, service)
    threads = cast(BlobThreads, request.app.state.blob_threads)
    await threads.run(lambda: service.uploads.receive(fields, data))
    return Response(status_code=200)


class _SignedForm(MultiPartParser):
    """Refuses a file whose fields, which come first, do not allow it, before it is read."""

    def __init__(self, request: Request, service: Service) -> None:
        super().__init__(
            request.headers,
            _limited(request),
            max_files=1,
            max_fields=MAX_FIELDS,
            max_part_size=FORM_BYTES,
        )
        self.spool_max_size = SPOOLED_BYTES  # what is half sent waits on the disk
        self._service = service

    @property
    def fields(self) -> dict[str, str]:
        """Those that have come so far."""
        return {name: value for name, value in self.items if isinstance(value, str)}

    def on_headers_finished(self) -> None:
        """Look at the fields when the file begins."""
        super().on_headers_finished()
        if self._current_part.file is not None:
            self._service.uploads.check(self.fields)


async def _read_form(request: Request, service: Service) -> tuple[dict[str, str], bytes]:
    """The form's fields and the bytes of its file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Declined(400, "InvalidParameter", "Content-Type must be multipart/form-data.")
    check_charset(request)
    parser = _SignedForm(request, service)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Declined(400, "InvalidParameter", f"The form is not valid: {error.message}") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidOption("file", "must be a file")
        return parser.fields, await file.read()
    finally:
        await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """The body's pieces, no more than a file and its form may have."""
    taken = 0
    async for piece in request.stream():
        taken += len(piece)
        if taken > MAX_BYTES + FORM_BYTES:
            raise FileTooLarge("file", f"must be a file of at most {MAX_BYTES // 1024**2} MB")
        yield piece
