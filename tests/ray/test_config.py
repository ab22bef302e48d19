"""deploy/ray.yaml, which deploy/kuberay.yaml repeats, by Ray's own rules."""

import pytest
import yaml

from tests.deployment.manifest import DEPLOY


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own models
def test_ray_takes_the_configuration() -> None:
    from ray.serve.schema import ServeDeploySchema

    config = yaml.safe_load((DEPLOY / "ray.yaml").read_text())

    [application] = ServeDeploySchema.model_validate(config).applications

    assert application.deployment_names == ["indextts"]
