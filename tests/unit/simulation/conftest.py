import pytest

from shared.simulation.earth import Earth


@pytest.fixture(scope="session")
def earth(tmp_path_factory: pytest.TempPathFactory) -> Earth:
    """The Earth of the installed packages; its cache is the tests' own."""
    return Earth.bundled(tmp_path_factory.mktemp("simulation-cache"))
