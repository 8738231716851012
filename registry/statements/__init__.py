"""What the statements of this room do."""

from registry import queries as queries  # who may read what is registered together with the handlers
from registry.statements import chip_models as chip_models
from registry.statements import chips as chips
from registry.statements import organisations as organisations
from registry.statements import sites as sites
