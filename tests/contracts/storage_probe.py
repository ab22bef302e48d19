"""What every store promises that can be tried with an object of its own."""

from abc import ABC, abstractmethod

import pytest

from application.ports.storage_probe import ProbedStorage, StorageProbe


class ProbedStorageContract(ABC):
    @pytest.fixture
    @abstractmethod
    def storage(self) -> ProbedStorage:
        """A store that works."""

    @abstractmethod
    def keys(self, storage: ProbedStorage) -> set[str]:
        """Return the keys of everything in the store."""

    def test_a_probe_leaves_nothing_behind(self, storage: ProbedStorage) -> None:
        before = self.keys(storage)

        probe = storage.probe()

        assert probe == StorageProbe(probe.key)
        assert self.keys(storage) == before
        assert probe.key

    def test_two_probes_have_different_keys(self, storage: ProbedStorage) -> None:
        assert storage.probe().key != storage.probe().key
