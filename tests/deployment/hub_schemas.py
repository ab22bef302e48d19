"""Schemas of RunPod Hub's two files, after the tables of its publishing guide.

The Hub itself publishes none. What is not in its guide is refused, because the Hub would ignore a
misspelt field without a word.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 1}
VARIABLE: Schema = {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}
CUDA_VERSIONS: Schema = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string", "pattern": r"^\d+\.\d+$"},
}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


FIXED_VARIABLE = _object({"key": VARIABLE, "value": {"type": "string"}})
_SHOWN: Schema = {"name": TEXT, "description": TEXT}
_HOW: Schema = {"advanced": {"type": "boolean"}, "required": {"type": "boolean"}}
_TEXT_INPUT = _object(
    _SHOWN | {"type": {"enum": ["string", "huggingface"]}},
    _HOW
    | {
        "default": {"type": "string"},
        "options": {
            "type": "array",
            "minItems": 2,
            "items": _object({"label": TEXT, "value": {"type": "string"}}),
        },
    },
)
_NUMBER_INPUT = _object(
    _SHOWN | {"type": {"const": "number"}},
    _HOW | {name: {"type": "number"} for name in ("default", "min", "max")},
)
_BOOLEAN_INPUT = _object(
    _SHOWN | {"type": {"const": "boolean"}, "default": {"type": "boolean"}},
    _HOW | {"trueValue": TEXT, "falseValue": TEXT},
)
ASKED_VARIABLE = _object(
    {"key": VARIABLE, "input": {"oneOf": [_TEXT_INPUT, _NUMBER_INPUT, _BOOLEAN_INPUT]}}
)

HUB = _object(
    {
        "title": TEXT,
        "description": TEXT,
        "type": {"const": "serverless"},
        "category": {"enum": ["audio", "embedding", "language", "video", "image"]},
        "config": _object(
            {
                "runsOn": {"const": "GPU"},
                "containerDiskInGb": COUNT,
                "gpuCount": COUNT,
                "gpuIds": {
                    "type": "string",
                    "pattern": r"^[A-Z]+_\d+(_PRO)?(,[A-Z]+_\d+(_PRO)?)*$",
                },
            },
            {
                "endpointType": {"const": "LB"},
                "allowedCudaVersions": CUDA_VERSIONS,
                "env": {"type": "array", "items": {"oneOf": [FIXED_VARIABLE, ASKED_VARIABLE]}},
                "presets": {
                    "type": "array",
                    "items": _object(
                        {
                            "name": TEXT,
                            "defaults": {
                                "type": "object",
                                "propertyNames": VARIABLE,
                                "additionalProperties": {"type": ["string", "number", "boolean"]},
                            },
                        }
                    ),
                },
            },
        ),
    },
    {"iconUrl": {"type": "string", "format": "uri"}},
)

TESTS = _object(
    {
        "tests": {
            "type": "array",
            "minItems": 1,
            "items": _object({"name": TEXT, "input": {"type": "object"}}, {"timeout": COUNT}),
        },
        "config": _object(
            {"gpuTypeId": TEXT, "gpuCount": COUNT},
            {
                "env": {"type": "array", "items": FIXED_VARIABLE},
                "allowedCudaVersions": CUDA_VERSIONS,
            },
        ),
    }
)
