"""An organisation's own sign-in as the settings of an installation have it, its secret read from its file."""

from broker.entry.accounts import OpenIdSettings, Role
from broker.entry.openid import Organisation
from broker.errors import SettingsInvalid
from broker.schemas.ids import OrgId
from broker.seal.errors import KeyFileError
from broker.seal.key_files import read_secret


def organisation_of(told: OpenIdSettings, org: OrgId, roles: type[Role], setting: str) -> Organisation[Role]:
    """The sign-in of `org`; `setting` is the variable that names the secret's file.

    Raises:
        SettingsInvalid: the secret cannot be read.
    """
    try:
        secret = read_secret(told.client_secret_file).decode().strip()
    except (KeyFileError, UnicodeDecodeError):
        raise SettingsInvalid(f"{setting} cannot be read, or others can read it too: chmod 600.") from None
    pairs = (one.partition("=") for one in told.roles.split(","))
    return Organisation(
        org=org,
        issuer=told.issuer,
        client_id=told.client_id,
        client_secret=secret,
        role_claim=told.role_claim,
        roles={name: roles(role) for name, _, role in pairs},
    )
