"""The paths of the group `files`; words come before ids. The bytes are outside the prefix."""

from __future__ import annotations

from apps.files import apis
from common.paths import operations, outside

urlpatterns = [
    operations("files", get=apis.FileListApi),
    operations("files/upload", post=apis.FileUploadApi),
    operations("files/<file_id>", get=apis.FileReadApi, delete=apis.FileDeleteApi),
    outside("uploads/<name>", get=apis.UploadedApi),
]
