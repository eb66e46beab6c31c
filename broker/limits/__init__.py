"""Every limit of the project, by name and unit, each with its reason; a number that bounds something lives here."""

from broker.limits.agency import *
from broker.limits.auditing import *
from broker.limits.local import *
from broker.limits.network import *
from broker.limits.providers import *
from broker.limits.retention import *
