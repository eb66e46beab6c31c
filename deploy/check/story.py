"""What must work in containers: two organisations join by commands alone, and a referral goes from one to the other."""

import json
from typing import Final

from deploy.check.county import INBOX_PORT, County
from deploy.check.images import ROOT
from deploy.check.shell import CheckFailed, await_true, step

_BROKER, _AGENCY, _SHELTER = "org-broker", "org-hotline", "org-shelter-birch"
_EXAMPLE: Final = ROOT / "docs" / "examples" / "hotline-referral.json"
_OFFERED_SECONDS_MAX: Final = 30.0
_ZONES: Final = "/var/lib/handoff/zones"


def tell(county: County) -> None:
    """The whole story.

    Raises:
        CheckFailed: some part of it did not happen.
    """
    with step("Roles of PostgreSQL: none that we use is a superuser, and no zone can enter the other's database"):
        _check_roles(county)
    with step("A hotline and a shelter make their keys and are onboarded"):
        _join(county)
    with step("The hotline publishes a release and a referral; the broker accepts both"):
        _publish(county)
    with step("The hotline reads its notices"):
        _check_notices(county)
    with step("The shelter's inbox shows the offer"):
        await_true("the offer is in the inbox", lambda: len(_offers(county)) == 1, _OFFERED_SECONDS_MAX)
    with step("The shelter's pages ask its staff to sign in"):
        _check_pages(county)
    with step("No container of the provider zone sees the broker's key, none of the broker's an opening key"):
        _check_zones(county)


def _check_roles(county: County) -> None:
    told = county.execute(
        *("postgres", "psql", "--username=postgres", "--tuples-only", "--no-align", "--command"),
        "SELECT count(*) FILTER (WHERE rolcanlogin), bool_or(rolsuper OR rolcreatedb OR rolcreaterole),"
        " has_database_privilege('handoff_broker_app', 'handoff_provider', 'CONNECT'),"
        " has_database_privilege('handoff_provider_app', 'handoff_broker', 'CONNECT')"
        " FROM pg_roles WHERE rolname LIKE 'handoff%'",
    )
    _expect(told.strip() == "5|f|f|f", f"PostgreSQL's roles are others than wanted: {told}")


def _join(county: County) -> None:
    _put(county, "broker.json", json.dumps(json.loads(county.run("operator", "keys", "list", "--json"))[0]))
    _new_key(county, "agency", _AGENCY, "signing")
    _new_key(county, "provider", _SHELTER, "signing")
    _new_key(county, "provider", _SHELTER, "sealing")
    county.run(
        *("operator", "org", "add", _AGENCY, "--name", "The hotline", "--class", "HOTLINE_VSP"),
        *("--card", f"/exchange/{_AGENCY}.signing.json"),
    )
    county.run(
        *("operator", "org", "add", _SHELTER, "--name", "The shelter", "--class", "VSP_SHELTER"),
        *("--category", "SHELTER", "--service", "EMERGENCY_SHELTER"),
        *("--card", f"/exchange/{_SHELTER}.signing.json", "--card", f"/exchange/{_SHELTER}.sealing.json"),
    )
    _new_key(county, "operator", _BROKER, "directory")
    county.run("operator", "org", "export", "/exchange/directory.signed")
    county.shell("agency", f"{_believe(_AGENCY)} && cp /exchange/directory.signed {_ZONES}/{_AGENCY}/")
    county.run("agency", "keys", "pin", f"/exchange/{_BROKER}.directory.json", "--org", _AGENCY)
    card = json.dumps({"orgId": _SHELTER, "category": "SHELTER", "orgClass": "VSP_SHELTER"})
    county.shell("provider", f"{_believe(_SHELTER)} && echo '{card}' > {_ZONES}/{_SHELTER}/provider.json")


def _new_key(county: County, service: str, org: str, kind: str) -> None:
    _put(county, f"{org}.{kind}.json", county.run(service, "keys", "new", "--org", org, "--kind", kind))


def _believe(org: str) -> str:
    return f"mkdir -p {_ZONES}/{org}/broker-keys && cp /exchange/broker.json {_ZONES}/{org}/broker-keys/"


def _put(county: County, name: str, text: str) -> None:
    path = county.exchange / name
    path.write_text(text)
    path.chmod(0o644)


def _publish(county: County) -> None:
    _put(county, "referral.json", _EXAMPLE.read_text())
    told = county.run("agency", "publish", "/exchange/referral.json", "--org", _AGENCY, "--wait")
    published, accepted = told.count("published "), told.count("accepted ")
    _expect(published == accepted and accepted >= 2, f"Not everything was accepted:\n{told}")


def _check_notices(county: County) -> None:
    lines = county.run("agency", "notices", "--org", _AGENCY, "--json").splitlines()
    types = [json.loads(line)["type"] for line in lines]
    _expect(types.count("org.warmhandoff.event.accepted.v1") >= 2, f"The notices are others than wanted: {types}")
    _expect("org.warmhandoff.event.refused.v1" not in types, "The broker refused something.")


def _offers(county: County) -> list[object]:
    offers: list[object] = json.loads(county.execute("adapter", "handoff", "inbox", "list", "--json"))
    return offers


def _check_pages(county: County) -> None:
    ask = f"from urllib.request import urlopen; print(urlopen('http://127.0.0.1:{INBOX_PORT}/sign-in').status)"
    _expect(county.execute("adapter", "python", "-c", ask).strip() == "200", "The pages of the inbox do not answer.")


def _check_zones(county: County) -> None:
    broker = county.execute("broker", "find", "/var/lib/handoff", "-name", "*.json")
    adapter = county.execute("adapter", "find", "/var/lib/handoff", "-name", "*.json")
    _expect("sealing" not in broker and f"{_BROKER}.signing" not in adapter, "Keys are where they must not be.")
    _expect(f"{_BROKER}." in broker and "sealing" in adapter, "Keys are not where they must be.")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CheckFailed(otherwise)
