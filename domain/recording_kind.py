"""The format of a recording, told by its first bytes."""

_SIGNATURES = (
    (b"fLaC", 0, ".flac"),
    (b"WAVE", 8, ".wav"),
    (b"OggS", 0, ".ogg"),
    (b"ftyp", 4, ".m4a"),
    (b"\x1aE\xdf\xa3", 0, ".webm"),
    (b"ID3", 0, ".mp3"),
)
"""Signature, place and ending: RFC 9639, RIFF, RFC 3533, ISO 14496-12, Matroska, ID3v2."""

_MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".webm": "audio/webm",
    ".aac": "audio/aac",
}


def ending_of(content: bytes) -> str | None:
    """Return the file ending of a recording's format, with its dot; None if unknown."""
    for signature, place, ending in _SIGNATURES:
        if content[place : place + len(signature)] == signature:
            return ending
    if len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0:
        has_layer = bool(content[1] & 0x06)  # ADTS has 0 where MPEG audio has its layer
        return ".mp3" if has_layer else ".aac"
    return None


def media_type_of(content: bytes) -> str:
    """Return the media type of a recording."""
    return _MEDIA_TYPES.get(ending_of(content) or "", "application/octet-stream")
