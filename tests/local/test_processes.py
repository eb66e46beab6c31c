"""A process of the network is given what is its own, and nothing that opens another's door."""

from pathlib import Path

from broker.composition import Process
from broker.local.processes import environment_of
from broker.settings import load_settings


def test_only_the_adapter_may_call_this_machine_and_open_a_door(home: Path) -> None:
    """The ways to endpoints of one's own, the door and the inbox's pages are the provider zone's alone."""
    settings = load_settings(
        home=home,
        outgoing_loopback="127.0.0.1:8090",
        outgoing_internal="fhir.hospital.internal:8443",
        outgoing_ca_file=home / "authority.pem",
        door_address="127.0.0.1:8091",
        inbox_address="127.0.0.1:8092",
        inbox_sign_in_links=True,
        _env_file=None,
    )
    ways_out = {"HANDOFF_OUTGOING_LOOPBACK", "HANDOFF_OUTGOING_INTERNAL", "HANDOFF_OUTGOING_CA_FILE"}
    ours = ways_out | {"HANDOFF_DOOR_ADDRESS", "HANDOFF_INBOX_ADDRESS", "HANDOFF_INBOX_SIGN_IN_LINKS"}
    given = {process: ours & environment_of(settings, process).keys() for process in Process}
    assert given == {process: ours if process is Process.ADAPTER else set() for process in Process}


def test_only_the_web_shows_the_desk(home: Path) -> None:
    """How it is reached and who comes in is no other process's; the neutral page is everybody's who shows pages."""
    settings = load_settings(
        home=home,
        web_address="127.0.0.1:8080",
        desk_address="127.0.0.1:8091",
        desk_sign_in_links=True,
        inbox_exit_url="https://neutral.example/",
        _env_file=None,
    )
    ours = {"HANDOFF_WEB_ADDRESS", "HANDOFF_DESK_ADDRESS", "HANDOFF_DESK_SIGN_IN_LINKS"}
    given = {process: ours & environment_of(settings, process).keys() for process in Process}
    assert given == {process: ours if process is Process.WEB else set() for process in Process}
    shown = {process for process in Process if "HANDOFF_INBOX_EXIT_URL" in environment_of(settings, process)}
    assert {Process.WEB, Process.ADAPTER} <= shown
