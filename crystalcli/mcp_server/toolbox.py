"""The tools of a server, by name, and calls of them.

Knows: which tools there are. Does not know: what they do, the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crystalcli.errors import UsageError
from crystalcli.mcp_server.document_tools import LIST, MENTIONS, OUTLINE, READ
from crystalcli.mcp_server.note_tool import REMEMBER
from crystalcli.mcp_server.search_tool import SEARCH
from crystalcli.mcp_server.tool_spec import ToolSpec, nearest_hint

if TYPE_CHECKING:
    from crystalcli.library import Crystal

_TOOLS = (SEARCH, READ, OUTLINE, LIST, MENTIONS, REMEMBER)


class Toolbox:
    """The tools that a server offers.

    Args:
        write: Whether tools that change the crystal are among them.
    """

    def __init__(self, *, write: bool) -> None:
        self.tools: dict[str, ToolSpec] = {tool.name: tool for tool in _TOOLS if write or not tool.writes}

    def find(self, name: str) -> ToolSpec:
        """Find a tool by its name.

        Raises:
            UsageError: There is none of that name.
        """
        if name in self.tools:
            return self.tools[name]
        if any(tool.name == name for tool in _TOOLS):
            raise UsageError(f"{name} is not offered: this server was started without --write")
        hint = nearest_hint(name, list(self.tools)) or f"; there are {', '.join(self.tools)}"
        raise UsageError(f"there is no tool {name!r:.60}{hint}")

    def call(self, crystal: Crystal, name: str, arguments: Mapping[str, Any] | None) -> str:
        """Carry out a call on an open crystal.

        Raises:
            CrystalError: The call cannot be carried out; the message says why in a sentence.
        """
        tool = self.find(name)
        return tool.run(crystal, tool.check(arguments))
