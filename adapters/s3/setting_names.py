"""What error messages call the settings of a connection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingNames:
    """The names under which a person sets the parts of a connection; by default the store's.

    ``rights`` is what the key must allow.
    """

    endpoint_url: str = "S3_ENDPOINT_URL"
    access_key_id: str = "S3_ACCESS_KEY_ID"
    secret_access_key: str = "S3_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
    region: str = "S3_REGION"
    bucket: str = "S3_BUCKET_NAME"
    rights: str = "list, read and write"


STORE_SETTINGS = SettingNames()

VOICES_SETTINGS = SettingNames(
    endpoint_url="VOICES_S3_ENDPOINT_URL (or S3_ENDPOINT_URL)",
    access_key_id="VOICES_S3_ACCESS_KEY_ID (or S3_ACCESS_KEY_ID)",
    secret_access_key="VOICES_S3_SECRET_ACCESS_KEY (or S3_SECRET_ACCESS_KEY)",  # noqa: S106 - names
    region="VOICES_S3_REGION (or S3_REGION)",
    bucket="VOICES_S3_URI",
    rights="list and read",
)

JOB_SETTINGS = SettingNames(
    endpoint_url="s3Config.endpointUrl",
    access_key_id="s3Config.accessId",
    secret_access_key="s3Config.accessSecret",  # noqa: S106 - the name of a field
    region="the region in s3Config.endpointUrl (or the worker's S3_REGION)",
    bucket="s3Config.bucketName",
)
