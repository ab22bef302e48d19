"""What Ray is told: deploy/ray.yaml, which deploy/kuberay.yaml repeats, and the replica itself."""

import pytest
import yaml
from starlette.testclient import TestClient

from tests.deployment.manifest import DEPLOY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own models


def test_ray_takes_the_configuration() -> None:
    from ray.serve.schema import ServeDeploySchema

    config = yaml.safe_load((DEPLOY / "ray.yaml").read_text())

    [application] = ServeDeploySchema.model_validate(config).applications

    assert application.deployment_names == ["indextts"]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 421), ("0.0.0.0", 200)])
def test_a_replica_for_this_machine_alone_refuses_other_hosts(
    monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    from entrypoints.ray_app import Replica

    monkeypatch.setenv("TTS_ENGINE", "preview")
    monkeypatch.setenv("HOST", host)
    client = TestClient(
        Replica().__serve_build_asgi_app__(), base_url="http://elsewhere.example:8000"
    )

    answer = client.get("/v1/models")

    assert answer.status_code == status
    assert "x-request-id" not in answer.headers
