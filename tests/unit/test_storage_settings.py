import pytest

from entrypoints.exit_codes import SettingsError
from entrypoints.settings.settings import CliSettings, Settings, WorkerSettings, load_settings

SECRET = "hunter2-hunter2"
S3 = {
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_ACCESS_KEY_ID": "AKEXAMPLE",
    "S3_SECRET_ACCESS_KEY": SECRET,
    "S3_BUCKET_NAME": "media",
}
VARIABLES = (*S3, "S3_PREFIX", "S3_REGION", "S3_URL_EXPIRES_SECONDS", "OBJECT_STORE",
             "VOICES_S3_URI", "VOICES_S3_ENDPOINT_URL", "VOICES_S3_ACCESS_KEY_ID",
             "VOICES_S3_SECRET_ACCESS_KEY", "VOICES_S3_REGION", "BUCKET_ENDPOINT_URL",
             "BUCKET_ACCESS_KEY_ID", "BUCKET_SECRET_ACCESS_KEY")  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def set_all(environment: pytest.MonkeyPatch, **changes: str) -> None:
    for name, value in (S3 | changes).items():
        environment.setenv(name, value)


def test_a_worker_without_s3_settings_is_told_each_missing_variable() -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(WorkerSettings)

    lines = str(wrong.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "S3_BUCKET_NAME", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
    ]  # fmt: skip
    assert "(or BUCKET_ENDPOINT_URL)" in lines[1]
    assert "(or BUCKET_ACCESS_KEY_ID)" in lines[2]
    assert "(or BUCKET_SECRET_ACCESS_KEY)" in lines[3]
    assert all("OBJECT_STORE=inline or filesystem" in line for line in lines)


def test_a_missing_variable_does_not_hide_a_wrong_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLEANUP_DAYS", "0")
    environment.setenv("S3_URL_EXPIRES_SECONDS", "604801")

    with pytest.raises(SettingsError) as wrong:
        load_settings(WorkerSettings)

    assert len(str(wrong.value).splitlines()) == 6


@pytest.mark.parametrize("kind", [WorkerSettings, CliSettings])
def test_files_need_no_s3_settings(environment: pytest.MonkeyPatch, kind: type[Settings]) -> None:
    environment.setenv("OBJECT_STORE", "filesystem")

    assert load_settings(kind).object_store == "filesystem"


def test_the_command_line_stores_files_unless_told_otherwise() -> None:
    assert load_settings(CliSettings).object_store == "filesystem"


def test_reads_the_s3_variables(environment: pytest.MonkeyPatch) -> None:
    set_all(environment)

    settings = load_settings(WorkerSettings)

    assert settings.s3_endpoint_url == "https://s3.example.com"
    assert settings.s3_secret_access_key.get_secret_value() == SECRET
    assert (settings.s3_region, settings.s3_prefix) == ("us-east-1", "")
    assert settings.s3_url_expires_seconds == 86_400


def test_reads_runpods_variables_where_its_own_are_unset(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("S3_BUCKET_NAME", "media")
    environment.setenv("S3_ENDPOINT_URL", "")
    environment.setenv("BUCKET_ENDPOINT_URL", "https://runpods.example.com")
    environment.setenv("S3_ACCESS_KEY_ID", "OURS")
    environment.setenv("BUCKET_ACCESS_KEY_ID", "THEIRS")
    environment.setenv("BUCKET_SECRET_ACCESS_KEY", SECRET)

    settings = load_settings(WorkerSettings)

    assert settings.s3_endpoint_url == "https://runpods.example.com"
    assert settings.s3_access_key_id.get_secret_value() == "OURS"
    assert settings.s3_secret_access_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://s3.example.com/", "https://s3.example.com"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("https://s3.example.com/media/", "https://s3.example.com"),
        ("https://media.s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
        ("https://gateway.example.com/storage/s3", "https://gateway.example.com/storage/s3"),
        ("https://media.example.com", "https://media.example.com"),
    ],
)
def test_an_endpoint_may_carry_the_bucket(
    environment: pytest.MonkeyPatch, given: str, meant: str
) -> None:
    set_all(environment, S3_ENDPOINT_URL=given)

    assert load_settings(WorkerSettings).s3_endpoint_url == meant


@pytest.mark.parametrize(
    "endpoint",
    ["s3.example.com", "ftp://x", "https://", "https://[::1", "http://x:port", "https://x/?a=b",
     f"https://me:{SECRET}@s3.example.com"],
)  # fmt: skip
def test_refuses_an_endpoint_that_is_no_plain_url(
    environment: pytest.MonkeyPatch, endpoint: str
) -> None:
    set_all(environment, S3_ENDPOINT_URL=endpoint)

    with pytest.raises(SettingsError, match=r"^S3_ENDPOINT_URL: must be a URL") as wrong:
        load_settings(WorkerSettings)

    assert SECRET not in str(wrong.value)


def test_keys_appear_nowhere(environment: pytest.MonkeyPatch) -> None:
    set_all(environment)
    settings = load_settings(WorkerSettings)

    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert SECRET not in shown
        assert "AKEXAMPLE" not in shown


def test_a_wrong_key_is_refused_unshown(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, S3_SECRET_ACCESS_KEY=f"{SECRET}\nand more")

    with pytest.raises(SettingsError, match=r"^S3_SECRET_ACCESS_KEY: must be printable") as bad:
        load_settings(WorkerSettings)

    assert "hunter2" not in f"{bad.value!r} {bad.value.__cause__!r}"
    with pytest.raises(ValueError, match="printable") as direct:
        WorkerSettings()
    assert "hunter2" not in str(direct.value)


def test_the_line_break_of_a_pasted_key_is_dropped(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, S3_SECRET_ACCESS_KEY=f" {SECRET}\n")

    settings = load_settings(WorkerSettings)

    assert settings.s3_secret_access_key.get_secret_value() == SECRET


def test_synced_voices_need_a_service_but_no_bucket_for_audio(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("VOICES_S3_URI", "s3://media/voices")

    with pytest.raises(SettingsError) as wrong:
        load_settings(CliSettings)

    lines = str(wrong.value).splitlines()
    assert [line.partition(" to ")[0] for line in lines] == [
        f"VOICES_S3_{name}: must be set (or S3_{name}, or BUCKET_{name})"
        for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    ]


def test_a_missing_store_is_not_told_twice_where_voices_are_synced(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("VOICES_S3_URI", "s3://media/voices")

    with pytest.raises(SettingsError) as wrong:
        load_settings(WorkerSettings)

    assert "VOICES_" not in str(wrong.value)


def test_synced_voices_may_have_a_service_and_keys_of_their_own(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("OBJECT_STORE", "filesystem")
    environment.setenv("VOICES_S3_URI", "s3://voices/narrators")
    environment.setenv("VOICES_S3_ENDPOINT_URL", "https://voices.s3.eu-west-1.amazonaws.com")
    environment.setenv("VOICES_S3_ACCESS_KEY_ID", "READER")
    environment.setenv("VOICES_S3_SECRET_ACCESS_KEY", f"{SECRET}\n")
    environment.setenv("VOICES_S3_REGION", "eu-west-1")

    settings = load_settings(WorkerSettings)

    assert settings.voices_endpoint_url == "https://s3.eu-west-1.amazonaws.com"
    assert (settings.voices_access_key, settings.voices_secret_key) == ("READER", SECRET)
    assert settings.voices_region == "eu-west-1"
    assert SECRET not in repr(settings)


def test_each_setting_of_the_voices_that_is_unset_is_the_stores(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(environment, VOICES_S3_URI="s3://voices", VOICES_S3_ACCESS_KEY_ID="READER")
    environment.setenv("S3_REGION", "auto")

    settings = load_settings(WorkerSettings)

    assert settings.voices_endpoint_url == "https://s3.example.com"
    assert (settings.voices_access_key, settings.voices_secret_key) == ("READER", SECRET)
    assert settings.voices_region == "auto"


@pytest.mark.parametrize("uri", ["media/voices", "s3:///voices", "s3://", "https://media/voices"])
def test_refuses_what_is_no_s3_uri(environment: pytest.MonkeyPatch, uri: str) -> None:
    set_all(environment, VOICES_S3_URI=uri)

    with pytest.raises(SettingsError, match=r"^VOICES_S3_URI: must look like s3://"):
        load_settings(CliSettings)


def test_a_prefix_begins_with_no_slash(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, S3_PREFIX="/audio/")

    with pytest.raises(SettingsError, match=r"^S3_PREFIX: must not begin with /"):
        load_settings(WorkerSettings)


def test_finished_audio_and_voices_need_two_folders(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUDIO_VOICES_DIR", "/data/audio")
    environment.setenv("OUTPUT_AUDIO_DIR", "/data/x/../audio")

    with pytest.raises(SettingsError, match=r"^OUTPUT_AUDIO_DIR: must not be AUDIO_VOICES_DIR"):
        load_settings(CliSettings)
