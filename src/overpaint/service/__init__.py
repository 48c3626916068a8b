"""The composition root: settings -> stores, blobs and inspection; what every door calls."""

from overpaint.service.core import Service
from overpaint.service.submission import Submission
from overpaint.service.uploading import UploadPolicy

__all__ = ["Service", "Submission", "UploadPolicy"]
